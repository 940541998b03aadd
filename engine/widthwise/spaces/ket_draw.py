"""Fresh Gaussian columns of a KetSpace, pseudo-random or quasi-random."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from widthwise.randomness import KET, SOBOL_DIMENSIONS, Draw, pseudo_random, sobol

Estimator = Literal["rqmc", "mc"]


def ket_draw(estimator: Estimator, seed: int, replicates: Sequence[int], samples: int, device: torch.device) -> Draw:
    """Columns over ``samples`` samples; along constant features, or past Sobol's dimensions, pseudo-random ones."""
    pseudo = pseudo_random(seed, (KET,), replicates, device)
    if estimator == "mc":
        return pseudo
    quasi = sobol(seed, replicates, device)

    def draw(first: int, count: int, coordinates: int) -> Tensor:
        along_samples = coordinates == samples and first + count <= SOBOL_DIMENSIONS
        return (quasi if along_samples else pseudo)(first, count, coordinates)

    return draw
