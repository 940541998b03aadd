"""Measures on the half line as points with weights, and their transforms."""

from dataclasses import dataclass
from functools import cached_property
from math import fsum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from widthwise.errors import SpecError
from widthwise.theory.kernels import Array

Complex: TypeAlias = npt.NDArray[np.complexfloating[Any, Any]]

LEAST_WEIGHT = 1e-25
"""Points of less weight are left out: they change no transform by a rounding."""


FEW = 4
"""Places whose masses are added up exactly."""


@dataclass(frozen=True, eq=False)
class Measure:
    """A law on [0, inf): atoms, a quadrature rule or samples.

    Args:
        points: shape (k,), not negative; equal ones are united.
        weights: shape (k,), not negative; scaled to add up to 1.

    Raises:
        SpecError: points or weights are negative or not finite, differ in number, or there is no weight.
    """

    points: Array
    weights: Array

    def __post_init__(self) -> None:
        points, weights = np.asarray(self.points, np.float64), np.asarray(self.weights, np.float64)
        for name, values in (("points", points), ("weights", weights)):
            if values.ndim != 1 or not np.all(np.isfinite(values) & (values >= 0)):
                message = f"measure.{name}: must be a list of finite numbers that are not negative"
                raise SpecError(message)
        if points.shape != weights.shape or not weights.sum():
            message = (
                f"measure: {len(points)} points and {len(weights)} weights of sum {weights.sum():g}; "
                "a weight is needed for every point, and one of them positive"
            )
            raise SpecError(message)
        weights = weights / weights.sum()
        kept = weights > LEAST_WEIGHT
        places, where = np.unique(points[kept], return_inverse=True)
        object.__setattr__(self, "points", places)
        object.__setattr__(self, "weights", _sums(where, weights[kept]))

    @property
    def atom_at_zero(self) -> float:
        """The mass at 0."""
        return float(self.weights[0]) if self.points[0] == 0 else 0.0

    @cached_property
    def positive(self) -> tuple[Array, Array]:
        """Points above 0, and their weights times themselves."""
        above = self.points > 0
        return self.points[above], (self.weights * self.points)[above]

    def moments(self, orders: int) -> Array:
        """``E[x^k]``, k = 1 .. ``orders``, shape (order,)."""
        return np.array([self.weights @ self.points**k for k in range(1, orders + 1)])


def _sums(where: npt.NDArray[np.intp], weights: Array) -> Array:
    """Of the weights of every place, without a rounding if places are few."""
    count = int(where.max()) + 1
    if count > FEW:
        return np.bincount(where, weights).astype(np.float64)
    sums = np.array([fsum(weights[where == place]) for place in range(count)])
    return sums / fsum(sums)


def empirical(samples: npt.ArrayLike) -> Measure:
    """The law that gives every sample the same weight.

    Args:
        samples: of any shape, not negative.

    Raises:
        SpecError: a sample is negative or not finite, or there is none.
    """
    points = np.asarray(samples, np.float64).ravel()
    return Measure(points, np.full(points.shape, 1.0))


def cauchy_transform(measure: Measure, z: npt.ArrayLike) -> Complex:
    """``G(z) = E[1 / (z - x)]``, in the shape of z.

    Source:
        FPNN (2111.00841) 2.1; mathematics: section 11.
    """
    return _expected(measure.points, measure.weights, z)


def moment_transform(measure: Measure, z: npt.ArrayLike) -> Complex:
    """``M(z) = z G(z) - 1 = E[x / (z - x)]``, in the shape of z."""
    return _expected(*measure.positive, z)


def _expected(points: Array, weights: Array, z: npt.ArrayLike) -> Complex:
    at = np.asarray(z, np.complex128)
    values: Complex = (weights / (at[..., None] - points)).sum(axis=-1)
    return values
