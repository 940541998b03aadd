"""Weighted least squares as a linear map: coefficients are fixed combinations of the ordinates."""

import numpy as np

from widthwise.reduce.samples import Array


def linear_fit(columns: Array, weights: Array) -> Array:
    """The map of weighted least squares of y on ``columns``.

    Args:
        columns: one row per regressor, (coefficient, point); not more regressors than points.
        weights: inverse variances up to a factor, (point,).

    Returns:
        M (coefficient, point): ``(M * y).sum(axis=1)`` are the coefficients.
    """
    weighted = columns * (weights / weights.sum())
    return np.linalg.solve((weighted[:, None] * columns).sum(axis=-1), weighted)
