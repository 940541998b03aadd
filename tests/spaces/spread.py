"""Means over replicates, compared within standard errors that come from the replicates themselves."""

import torch
from torch import Tensor

ERRORS = 5.0
"""By chance exceeded once in 2e6 by a normal number, once in 5e4 by the mean of 32 replicates (Student's t)."""

ROUNDING = 1e-5
"""Of float32, relative to the size of what is compared: for numbers that do not fluctuate."""


def assert_means_agree(a: Tensor, b: Tensor) -> None:
    """Every entry of the means over axis 0 within `ERRORS` standard errors of the difference."""
    (mean, error), (other, other_error) = _mean(a), _mean(b)
    _assert_within(mean, other, torch.hypot(error, other_error))


def assert_mean_is(a: Tensor, exact: Tensor | float) -> None:
    """Every entry of the mean over axis 0 within `ERRORS` standard errors of ``exact``."""
    mean, error = _mean(a)
    _assert_within(mean, torch.as_tensor(exact, dtype=torch.float64).expand_as(mean), error)


def _mean(a: Tensor) -> tuple[Tensor, Tensor]:
    values = a.detach().double()
    return values.mean(0), values.std(0) / len(values) ** 0.5


def _assert_within(mean: Tensor, other: Tensor, error: Tensor) -> None:
    distance, allowed = (mean - other).abs(), ERRORS * error + ROUNDING * (mean.abs() + other.abs())
    assert (distance <= allowed).all(), f"distances in standard errors: {distance / error}"
