"""Moments: a mean and a variance of replicates, also with one replicate left out (the jackknife)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from widthwise.reduce.samples import Array


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean (..., size) and unbiased total variance (...) of ``count`` replicates.

    The total variance is the trace of the covariance, so ``variance / count`` is the mean square error of ``mean``.
    """

    mean: Array
    variance: Array
    count: int

    @property
    def noise(self) -> Array:
        """Mean square error of the mean; 0 for something known exactly (count 0)."""
        return self.variance / self.count if self.count else self.variance


def moments(rows: Array) -> Moments:
    """Moments of the rows (replicate, size); the variance is NaN unless there are two.

    Sums of products stay away from BLAS: its bits depend on the number of threads.
    """
    count = len(rows)
    mean = rows.mean(axis=0) if count else np.full(rows.shape[1], np.nan)
    square = np.square(rows - mean).sum()
    return Moments(mean=mean, variance=np.asarray(square / (count - 1) if count > 1 else np.nan), count=count)


def moments_without_one(rows: Array, whole: Moments) -> Moments:
    """Moments of the rows with each row left out in turn: mean (replicate, size), variance (replicate,).

    Leaving out deviation d changes the sum of squares by -|d|^2 count / (count - 1). NaN unless three rows are there.
    """
    count = whole.count
    if count < 3:
        return Moments(mean=np.full_like(rows, np.nan), variance=np.full(count, np.nan), count=max(count - 1, 1))
    deviations = rows - whole.mean
    squares = np.square(deviations).sum(axis=1)
    left = np.maximum(squares.sum() - squares * (count / (count - 1)), 0.0)
    return Moments(mean=whole.mean - deviations / (count - 1), variance=left / (count - 2), count=count - 1)


def exactly(value: Array) -> Moments:
    """Moments of something known without error."""
    return Moments(mean=value, variance=np.zeros(()), count=0)


def inverse_directions(rows: Array, whole: Moments) -> float:
    r"""How unevenly noise spreads over directions, :math:`\operatorname{tr} \Sigma^2 / (\operatorname{tr} \Sigma)^2`.

    Between 1/size (the same in all directions) and 1 (one direction only). The square of a sample covariance
    exceeds that of the covariance; the correction is exact for Gaussian rows.

    Source:
        M. S. Srivastava, J. Japan Statist. Soc. 35 (2005), equation 2.10.
    """
    degrees, floor = whole.count - 1, 1.0 / rows.shape[1]
    if degrees < 2 or not whole.variance > 0:
        return 1.0
    deviations = rows - whole.mean
    # The trace of S^2 from whichever of the two products is the smaller matrix.
    product = "td,sd->ts" if len(rows) < rows.shape[1] else "td,te->de"
    square = np.square(np.einsum(product, deviations, deviations)).sum() / degrees**2
    unbiased = (square - whole.variance**2 / degrees) * degrees**2 / ((degrees - 1) * (degrees + 2))
    return float(np.clip(unbiased / whole.variance**2, floor, 1.0))
