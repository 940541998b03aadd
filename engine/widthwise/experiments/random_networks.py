"""Random architectures: widths and gain of a perceptron, and its weights, from random numbers of its own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from widthwise.randomness import numpy_generator
from widthwise.spaces import Space

CRITICAL = 2.0
"""Weight variance at which a ReLU network keeps the size of signals (1502.01852)."""

OCTAVES = 1.0
"""Widths and gains are at most so many octaves away from n and from 1, on either side."""

KEY = 4
"""Random numbers of a space that make the address of all others of a trial."""


@dataclass(frozen=True, kw_only=True)
class RandomNetwork:
    """``widths`` N_0, ..., N_L, of the features and of the hidden layers; ``gain`` times 2 is the weight variance."""

    widths: tuple[int, ...]
    gain: float

    @property
    def weight_variance(self) -> float:
        """Of the entries of hidden layers, times their fan-in."""
        return CRITICAL * self.gain


def generators(space: Space) -> list[np.random.Generator]:
    """One for each replicate, a function of the seed, the width and the trial."""
    root = space.coordinates**0.5
    numbers = torch.stack([space.scalar(0.0, noise=root) for _ in range(KEY)], 1)
    keys = numbers.float().cpu().numpy().view(np.uint32).tolist()
    return [numpy_generator(*key) for key in keys]


def random_network(random: np.random.Generator, n: int, features: int, depth: int) -> RandomNetwork:
    """Widths and gain that are even on the logarithmic scale, up to a factor of 2 from n and from the critical one."""
    gain, *ratios = 2.0 ** random.uniform(-OCTAVES, OCTAVES, 1 + depth)
    return RandomNetwork(widths=(features, *(max(1, round(n * ratio)) for ratio in ratios)), gain=float(gain))


def random_weights(random: np.random.Generator, network: RandomNetwork, classes: int, like: Tensor) -> list[Tensor]:
    """Gaussian weights (row, column) of the hidden layers, and of variance 1 / fan-in of a linear readout."""
    *hidden, last = network.widths
    shapes = zip(network.widths[1:], hidden, strict=True)
    weights = [random.standard_normal(shape) * (network.weight_variance / shape[1]) ** 0.5 for shape in shapes]
    weights.append(random.standard_normal((classes, last)) * last**-0.5)
    return [torch.from_numpy(each).to(like).requires_grad_() for each in weights]
