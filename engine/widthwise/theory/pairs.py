"""A pair of Gaussians that may be degenerate: determinant and correlation that stay right up to collinear vectors."""

import numpy as np

from widthwise.theory.kernels import Array

ROUNDING = 16 * float(np.finfo(np.float64).eps)


def determinant(k11: Array, k12: Array, k22: Array) -> Array:
    """``k11 k22 - k12**2``, never negative, and zero when it is not above what rounding of the entries explains.

    Kernels of activations with a kink depend on its square root, so that leaving a rounding error of 1e-16 for a pair
    of equal inputs would cost half of the digits.
    """
    product = k11 * k22
    gap = product - k12 * k12
    return np.where(gap > ROUNDING * product, gap, 0.0)


def correlation(k11: Array, k12: Array, k22: Array) -> Array:
    """``k12 / sqrt(k11 k22)`` within [-1, 1]; 0 where a variance is zero."""
    scale = np.sqrt(k11) * np.sqrt(k22)
    ratio = np.divide(k12, scale, out=np.zeros(np.broadcast(k12, scale).shape), where=scale > 0)
    return np.clip(ratio, -1.0, 1.0)
