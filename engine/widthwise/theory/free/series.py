"""Power series, as arrays of coefficients of 1, t, t^2, ...: what moments of free products are made of."""

import numpy as np

from widthwise.theory.kernels import Array


def product(first: Array, second: Array) -> Array:
    """Of two series of as many coefficients."""
    return np.convolve(first, second)[: len(first)]


def power(series: Array, exponent: int) -> Array:
    """A series to a whole power, not negative."""
    result = np.zeros_like(series)
    result[0] = 1.0
    base = series
    while exponent:
        result = product(result, base) if exponent % 2 else result
        base, exponent = product(base, base), exponent // 2
    return result


def inverse(series: Array) -> Array:
    """``1 / series``, whose first coefficient is not 0."""
    result = np.zeros_like(series)
    result[0] = 1 / series[0]
    for k in range(1, len(series)):
        result[k] = -(series[1 : k + 1] @ result[k - 1 :: -1]) / series[0]
    return result


def reverted(quotient: Array) -> Array:
    r"""The series :math:`t(w) / w` of the t with :math:`w = t\,/\,quotient(t)`.

    Lagrange's inversion: :math:`[w^k]\,t = [t^{k-1}]\,quotient(t)^k / k`.
    """
    return np.array([power(quotient, k)[k - 1] / k for k in range(1, len(quotient) + 1)])
