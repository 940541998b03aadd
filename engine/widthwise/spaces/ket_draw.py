"""Fresh Gaussian columns of a KetSpace: pseudo-random, or quasi-random with exact second moments."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from widthwise.randomness import KET, SOBOL_DIMENSIONS, Draw, pseudo_random, sobol
from widthwise.spaces.split import split

Estimator = Literal["rqmc", "mc"]


def ket_draw(estimator: Estimator, seed: int, replicates: Sequence[int], samples: int, device: torch.device) -> Draw:
    """Columns over ``samples`` samples; along constant features, or past Sobol's dimensions, pseudo-random ones.

    The columns that a call takes from the Sobol sequence are made orthonormal and orthogonal to the constants, so that
    hats
    have exactly the covariance that the ket rules give them. What is left of the tails, whose few points would skew the
    replicates, then no longer spoils the error bar taken from their spread.
    """
    pseudo = pseudo_random(seed, (KET,), replicates, device)
    if estimator == "mc":
        return pseudo
    quasi = sobol(seed, replicates, device)
    ones = torch.ones(len(replicates), 1, samples, device=device)

    def draw(first: int, count: int, coordinates: int) -> Tensor:
        if coordinates != samples or first + count > SOBOL_DIMENSIONS:
            return pseudo(first, count, coordinates)
        columns = quasi(first, count, coordinates)
        return columns if 4 * count > samples else split(columns, ones)[1]

    return draw
