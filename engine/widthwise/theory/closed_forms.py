r"""Activations whose kernels on a Gaussian pair are elementary functions of the covariance.

``det`` is the determinant of the covariance K; ``det(1 + K)`` and ``det(1 + 2K)`` are written as sums of nonnegative
terms, and arcsines as arctangents, so that nothing cancels at large variance or correlation one. A variance of zero is
meant literally: the activation (or its derivative, as automatic differentiation takes it) at 0.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from widthwise.theory.kernels import Array, Dual
from widthwise.theory.pairs import determinant

LEAKY_SLOPE = 0.01


def _shifted_determinant(k11: Array, k12: Array, k22: Array, factor: float) -> Array:
    """``det(1 + factor K)``."""
    return 1.0 + factor * (k11 + k22) + factor**2 * determinant(k11, k12, k22)


def _identity() -> Dual:
    return Dual(
        kernel=lambda k11, k12, k22: k12 + 0.0 * (k11 + k22),
        derivative_kernel=lambda k11, k12, k22: np.ones(np.broadcast(k11, k12, k22).shape),
    )


def _erf() -> Dual:
    """Williams, Computing with infinite networks, 1996."""

    def kernel(k11: Array, k12: Array, k22: Array) -> Array:
        return 2 / np.pi * np.arctan2(2 * k12, np.sqrt(_shifted_determinant(k11, k12, k22, 2.0)))

    def derivative_kernel(k11: Array, k12: Array, k22: Array) -> Array:
        return 4 / np.pi / np.sqrt(_shifted_determinant(k11, k12, k22, 2.0))

    return Dual(kernel=kernel, derivative_kernel=derivative_kernel)


def _gelu() -> Dual:
    r""":math:`x \Phi(x)`, by Stein's lemma; Tsuchida et al., Avoiding kernel fixed points, 2021 (2002.08517)."""

    def kernel(k11: Array, k12: Array, k22: Array) -> Array:
        det = determinant(k11, k12, k22)
        root = np.sqrt(1 + (k11 + k22) + det)
        edge = (det + k12 * k12 * (1 / (1 + k11) + 1 / (1 + k22))) / root
        return k12 / 4 + (k12 * np.arctan2(k12, root) + edge) / (2 * np.pi)

    def derivative_kernel(k11: Array, k12: Array, k22: Array) -> Array:
        shifted = _shifted_determinant(k11, k12, k22, 1.0)
        root = np.sqrt(shifted)
        edge = k12 * (1 / (1 + k11) + 1 / (1 + k22) + 1 / shifted) / root
        return 0.25 + (np.arctan2(k12, root) + edge) / (2 * np.pi)

    return Dual(kernel=kernel, derivative_kernel=derivative_kernel)


def _both_positive(k11: Array, k12: Array, k22: Array) -> Array:
    """P(u > 0, v > 0), the arc-cosine kernel of order 0; 0 where a variance is zero."""
    angle = np.arctan2(np.sqrt(determinant(k11, k12, k22)), -k12)
    return np.where((k11 > 0) & (k22 > 0), angle, 0.0) / (2 * np.pi)


def _piecewise_linear(*, left: float, right: float, slope_at_zero: float) -> Dual:
    """``left x`` below 0, ``right x`` above: arc-cosine kernels (Cho and Saul, NeurIPS 2009)."""

    def kernel(k11: Array, k12: Array, k22: Array) -> Array:
        root = np.sqrt(determinant(k11, k12, k22))
        rectified = (root + k12 * np.arctan2(root, -k12)) / (2 * np.pi)
        return left * right * k12 + (right - left) ** 2 * rectified

    def derivative_kernel(k11: Array, k12: Array, k22: Array) -> Array:
        proper = left * right + (right - left) ** 2 * _both_positive(k11, k12, k22)
        means = [np.where(variance > 0, (left + right) / 2, slope_at_zero) for variance in (k11, k22)]
        return np.where((k11 > 0) & (k22 > 0), proper, means[0] * means[1])

    return Dual(kernel=kernel, derivative_kernel=derivative_kernel)


def _step() -> Dual:
    return Dual(
        kernel=_both_positive,
        derivative_kernel=lambda k11, k12, k22: np.zeros(np.broadcast(k11, k12, k22).shape),
    )


def _sin_sin(k11: Array, k12: Array, k22: Array) -> Array:
    size = np.abs(k12)
    return np.sign(k12) * np.exp(size - (k11 + k22) / 2) * -np.expm1(-2 * size) / 2


def _cos_cos(k11: Array, k12: Array, k22: Array) -> Array:
    size = np.abs(k12)
    return np.exp(size - (k11 + k22) / 2) * (1 + np.exp(-2 * size)) / 2


def _gaussian() -> Dual:
    """``exp(-x**2)``."""

    def kernel(k11: Array, k12: Array, k22: Array) -> Array:
        return 1 / np.sqrt(_shifted_determinant(k11, k12, k22, 2.0))

    def derivative_kernel(k11: Array, k12: Array, k22: Array) -> Array:
        return 4 * k12 / _shifted_determinant(k11, k12, k22, 2.0) ** 1.5

    return Dual(kernel=kernel, derivative_kernel=derivative_kernel)


closed_forms: Mapping[str, Dual] = MappingProxyType(
    {
        "abs": _piecewise_linear(left=-1.0, right=1.0, slope_at_zero=0.0),
        "cos": Dual(kernel=_cos_cos, derivative_kernel=_sin_sin),
        "erf": _erf(),
        "gaussian": _gaussian(),
        "gelu": _gelu(),
        "identity": _identity(),
        "leaky_relu": _piecewise_linear(left=LEAKY_SLOPE, right=1.0, slope_at_zero=LEAKY_SLOPE),
        "relu": _piecewise_linear(left=0.0, right=1.0, slope_at_zero=0.0),
        "sin": Dual(kernel=_sin_sin, derivative_kernel=_cos_cos),
        "step": _step(),
    }
)
