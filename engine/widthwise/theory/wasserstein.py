"""Wasserstein distances on the line between the laws of samples, exact for any two numbers of samples."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from widthwise.theory.cells import sorted_samples
from widthwise.theory.kernels import Array

Indices: TypeAlias = npt.NDArray[np.int64]


def wasserstein2(x: Array, y: Array) -> Array:
    r""":math:`W_2 = (\int_0^1 (Q_x(p) - Q_y(p))^2 dp)^{1/2}` between the empirical laws of two sets of numbers.

    Args:
        x: shape (..., sample).
        y: shape (..., sample), of another number of samples if need be; leading axes broadcast.

    Returns:
        Shape (...), in the unit of the samples.

    Raises:
        SpecError: if there is no sample.
    """
    return np.sqrt(_squared(x, y))


def sliced_wasserstein2(x: Array, y: Array, directions: Array) -> Array:
    r"""Root mean square, over directions :math:`\theta`, of W2 between the laws of :math:`\theta \cdot x` and of y's.

    Args:
        x: shape (..., k, sample): samples of k numbers at once.
        y: shape (..., k, sample), of another number of samples if need be; leading axes broadcast.
        directions: shape (direction, k), rows of length 1.

    Returns:
        Shape (...), in the unit of the samples.

    Raises:
        SpecError: if there is no sample.

    Source:
        Bonneel et al., Sliced and Radon Wasserstein barycenters of measures, 2015.
    """
    return np.sqrt(np.mean(_squared(directions @ x, directions @ y), axis=-1))


def _squared(x: Array, y: Array) -> Array:
    first, second = sorted_samples(x), sorted_samples(y)
    counts = first.shape[-1], second.shape[-1]
    left, right, width = _overlaps(*counts)
    gaps = first[..., left] - second[..., right]
    # Not a BLAS product: the bits of a distance must not depend on how many others are computed with it.
    return np.sum(gaps * gaps * width, axis=-1) / (counts[0] * counts[1])


def _overlaps(first: int, second: int) -> tuple[Indices, Indices, Indices]:
    """Where (0, 1) cut into ``first`` equal steps meets itself cut into ``second``.

    Returns:
        For every piece, in order: which of the first steps, which of the second, and its width in integer units of
        1 / (first * second).
    """
    cuts = np.union1d(np.arange(first + 1) * second, np.arange(second + 1) * first)
    return cuts[:-1] // second, cuts[:-1] // first, np.diff(cuts)
