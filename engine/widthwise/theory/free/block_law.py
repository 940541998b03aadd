"""A law by its distribution function at knots: quantiles and their means over cells, exact for what lies between."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from widthwise.theory.kernels import Array

PARTS = 16
"""Into which an interval between two points is cut: the function is a cubic there, and straight within a part."""

HALVINGS = 64
"""Of the smallest x, below which the mass is a power of x."""


@dataclass(frozen=True, kw_only=True)
class Knots:
    """The masses ``p`` up to places ``x``, both ascending (knot,), from 0 to 1; straight in between."""

    x: Array
    p: Array

    def cdf(self, x: npt.ArrayLike) -> Array:
        """The mass up to x, in the shape of x."""
        places = np.asarray(x, np.float64)
        right = np.searchsorted(self.x, places, side="right")
        inside = np.interp(places, self.x, self.p)
        found: Array = np.where(right == 0, 0.0, np.where(right == len(self.x), 1.0, inside))
        return found

    def quantile(self, p: npt.ArrayLike) -> Array:
        """The x up to which the mass is p, in the shape of p."""
        found: Array = np.interp(np.asarray(p, np.float64), self.p, self.x)
        return found

    def cells(self, borders: Array) -> Array:
        """Means of the quantile function over cells of (0, 1) with these borders (cell + 1,): (cell,)."""
        areas = np.concatenate([[0.0], np.cumsum(np.diff(self.p) * (self.x[1:] + self.x[:-1]) / 2)])
        left = np.clip(np.searchsorted(self.p, borders, side="right") - 1, 0, len(self.p) - 1)
        totals = areas[left] + (borders - self.p[left]) * (self.x[left] + self.quantile(borders)) / 2
        means: Array = np.diff(totals) / np.diff(borders)
        return means


def knots(x: Array, mass: Array, density: Array, atom: float) -> Knots:
    """Of a law with an atom at 0, from its masses and densities at ascending places (point,).

    Masses are cubic in log x between places, and a power of x, plus the atom, below all of them.
    """
    fine, p = _between(np.log(x), mass, density * x)
    excess = mass[0] - atom
    halves = x[0] * 0.5 ** np.arange(HALVINGS, 0, -1)
    power = density[0] * x[0] / excess if excess > 0 else 1.0
    tail = atom + max(excess, 0.0) * (halves / x[0]) ** power
    places = np.concatenate([[0.0, 0.0], halves, np.exp(fine)])
    masses = np.maximum.accumulate(np.clip(np.concatenate([[0.0, atom], tail, p]), 0.0, 1.0))
    last = int(np.argmax(masses == masses[-1]))
    masses[last] = 1.0
    return Knots(x=places[: last + 1], p=masses[: last + 1])


def hermite(t: Array, values: Array, slopes: Array, share: Array) -> Array:
    """The cubics between neighbours with these values and slopes, at shares of the intervals: (interval, share)."""
    width, rise = np.diff(t)[:, None], np.diff(values)[:, None]
    bends = slopes[:-1, None] * width - rise, rise - slopes[1:, None] * width
    return values[:-1, None] + share * rise + share * (1 - share) * ((1 - share) * bends[0] + share * bends[1])


def _between(t: Array, values: Array, slopes: Array) -> tuple[Array, Array]:
    share = np.arange(PARTS) / PARTS
    places = t[:-1, None] + np.diff(t)[:, None] * share
    cubic = hermite(t, values, slopes, share)
    return np.append(places.ravel(), t[-1]), np.append(cubic.ravel(), values[-1])
