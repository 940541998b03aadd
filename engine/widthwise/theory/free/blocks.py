r"""Spectra of products of blocks: Jacobians of residual networks, their blocks independent or with one matrix for all.

The eigenvalues of :math:`J^T J`, :math:`J = \prod_{l=L}^1 (s + a W_l D_l)`, by an operator-valued equation
(:mod:`widthwise.theory.free.block_equation`). Diagonals D_l are asymptotically free of the matrices, whatever program
made them (TP3 2009.10685), so that joint samples of their entries are all there is to know of them.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from widthwise.errors import SpecError, WidthwiseError
from widthwise.theory.free.block_descent import descend, settle, top
from widthwise.theory.free.block_equation import Equation, State
from widthwise.theory.free.block_law import Knots, hermite, knots
from widthwise.theory.free.contour import Coefficients, coefficients, contour
from widthwise.theory.free.measure import Complex
from widthwise.theory.jacobi import moments_of
from widthwise.theory.kernels import Array

FLOOR = 1e-5
"""Im z by Re z where boundary values are taken; what they miss is of its square."""

NEAR = 0.1
"""The smallest place of a grid, by the mean, if no mass is below."""

LOWEST = 1e-8
"""The smallest place of any grid, by the mean."""

FIRST = 10
"""Places that a grid begins with."""

ROUNDS = 12
"""Of halving intervals of a grid, at most."""

COARSEST = 0.05
"""Masses between neighbouring places, at most."""

FINE = 1e-5
"""Masses that cubics between places may miss."""

ROUNDING = 1e-7
"""Masses below are none."""


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """Ascending places x > 0: the masses up to there, densities, the state, each (point, ...)."""

    x: Array
    mass: Array
    density: Array
    state: State

    def __add__(self, other: "Boundary") -> "Boundary":
        x = np.concatenate([self.x, other.x])
        order = np.argsort(x)
        return Boundary(
            x=x[order],
            mass=np.concatenate([self.mass, other.mass])[order],
            density=np.concatenate([self.density, other.density])[order],
            state=(self.state + other.state).at(order),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockSpectrum:
    """The law of the eigenvalues of J^T J, worked out when it is asked for.

    Attributes:
        equation: the equation it solves.
        atom_at_zero: the mass at 0, of coordinates that a layer loses where nothing skips it.
    """

    equation: Equation
    atom_at_zero: float

    def trace(self, z: npt.ArrayLike) -> Complex:
        """``avg((J^T J - z)^{-1})`` at points of the upper half plane, in the shape of z.

        Raises:
            WidthwiseError: a point was not reached; names it.
        """
        at = np.asarray(z, np.complex128)
        _, found = settle(self.equation, at.ravel(), self._guess(at.ravel()))
        return found.trace.reshape(at.shape)

    def density(self, x: npt.ArrayLike) -> Array:
        """Of the law without its atom, at x > 0, in the shape of x.

        Raises:
            WidthwiseError: a point was not reached; names it.
        """
        return self._at(x).density.reshape(np.shape(x))

    def cdf(self, x: npt.ArrayLike) -> Array:
        """The mass up to x > 0, in the shape of x.

        Raises:
            WidthwiseError: a point was not reached; names it.
        """
        return self._at(x).mass.reshape(np.shape(x))

    def quantile(self, p: npt.ArrayLike) -> Array:
        """The x up to which the mass is p, of [0, 1], in the shape of p; p is met to about 1e-5."""
        return self.knots.quantile(p)

    def cells(self, borders: Array) -> Array:
        """Means of the quantile function over cells of (0, 1).

        Args:
            borders: shape (cell + 1,), ascending from 0 to 1, as of `widthwise.theory.cells`.

        Returns:
            Shape (cell,), ascending.
        """
        return self.knots.cells(borders)

    def moments(self, orders: int) -> Array:
        """``E[x^k]``, k = 1 .. ``orders``, shape (order,), to about 1e-8."""
        return moments_of(*self.recurrence((orders + 1) // 2), orders)

    def recurrence(self, steps: int) -> tuple[Array, Array]:
        """The first coefficients alpha and beta of the law's recurrence, each (step,), to about 1e-8.

        They are those of ``widthwise.theory.jacobi``.

        Raises:
            WidthwiseError: a point was not reached, or the mass is not 1.
        """
        found = self._coefficients(self.edges, steps)
        return found.alpha, found.beta

    @cached_property
    def edges(self) -> Array:
        """Where the support without the atom begins and ends, to the spacing of knots; 0 where it begins at 0."""
        return self._ends(self.knots)

    @cached_property
    def knots(self) -> Knots:
        """The distribution function, to about 1e-5.

        Raises:
            WidthwiseError: a point was not reached, or masses or the mean are not those of a law.
        """
        grid = self._grid
        _require(grid.mass[-1], 1.0, "mass", FINE)
        _require(np.minimum(np.diff(grid.mass), 0.0).min(), 0.0, "mass between neighbouring places", FINE)
        _require(min(grid.mass[0] - self.atom_at_zero, 0.0), 0.0, "mass near 0 without the atom", FINE)
        found = knots(grid.x, grid.mass, grid.density, self.atom_at_zero)
        mean = found.cells(np.array([0.0, 1.0]))[0]
        _require(mean / self._coefficients(self._ends(found), 1).alpha[0], 1.0, "mean by the first moment", 1e-3)
        return found

    @cached_property
    def _grid(self) -> Boundary:
        """Places so dense that cubics miss no mass."""
        grid = self._boundary(np.geomspace(NEAR * self._mean, top(self.equation).imag / 4, FIRST), None)
        while grid.mass[0] - self.atom_at_zero > FINE and grid.x[0] > LOWEST * self._mean:
            grid = self._boundary(grid.x[:1] * 0.1, grid) + grid
        rough = np.ones(len(grid.x) - 1, np.bool_)
        for _ in range(ROUNDS):
            rough &= np.diff(grid.mass) > ROUNDING
            if not rough.any():
                break
            left = np.flatnonzero(rough)
            cubic = hermite(np.log(grid.x), grid.mass, grid.density * grid.x, np.array([0.5]))[left, 0]
            middles = self._boundary(np.sqrt(grid.x[left] * grid.x[left + 1]), grid)
            missed = np.abs(middles.mass - cubic) > FINE
            grid = grid + middles
            at = left + np.arange(len(left))
            rough = np.diff(grid.mass) > COARSEST
            rough[at[missed]] = rough[at[missed] + 1] = True
        return grid

    @cached_property
    def _mean(self) -> float:
        """The first moment, to a few parts in a thousand."""
        z = np.array([top(self.equation)])
        return float((-z * (z * self.trace(z) + 1)).real[0])

    def _ends(self, found: Knots) -> Array:
        nothing = np.flatnonzero(found.p <= self.atom_at_zero + ROUNDING)
        inside = self._grid.mass[0] > self.atom_at_zero + ROUNDING
        return np.array([0.0 if inside else found.x[nothing[-1]], found.x[-1]])

    def _coefficients(self, support: Array, steps: int) -> Coefficients:
        """By traces around the support, and 0 where there is an atom."""
        around = contour(np.where([self.atom_at_zero > 0, False], 0.0, support), steps)
        found = coefficients(around, self.trace(around.z), steps)
        _require(found.mass, 1.0, "mass", ROUNDING)
        return found

    def _at(self, x: npt.ArrayLike) -> Boundary:
        places = np.asarray(x, np.float64).ravel()
        if not np.all((places > 0) & np.isfinite(places)):
            message = "x: must be positive and finite"
            raise SpecError(message)
        return self._boundary(places, self._grid)

    def _boundary(self, x: Array, known: Boundary | None) -> Boundary:
        """Values at the real axis, by the first order of Taylor's series from above it."""
        z = x * (1 + 1j * FLOOR)
        state, found = settle(self.equation, z, self._guess(z) if known is None else _near(known, x))
        angle = self.equation.angle(z, state) + z.imag * found.trace.real
        mass, density = -angle / np.pi - self.equation.layers, found.trace.imag.astype(np.float64) / np.pi
        return Boundary(x=x, mass=mass, density=density, state=state)

    def _guess(self, z: Complex) -> State:
        """By fewer coordinates."""
        state, _ = descend(replace(self.equation, slopes=self.equation.few), z)
        return state


def block_spectrum(
    slopes: Array, *, weight_variance: float, skip: float = 1.0, scale: float = 1.0, tied: bool = False
) -> BlockSpectrum:
    r"""The law of the eigenvalues of :math:`J^T J` for :math:`J = \prod_{l=L}^1 (s + a W_l D_l)`, infinitely wide.

    For 4 layers and 2048 coordinates the distribution function takes 1.5 s on one core, 2.5 s if tied, recurrence
    coefficients up to 1 s more, and a place beside 10 ms. That is linear in coordinates, cubic in layers.

    Args:
        slopes: joint samples of the diagonals' entries d_l, with their signs: shape (layer, coordinate); the law of
            J is that of these samples, each as likely as any other.
        weight_variance: v, entries of W_l having variance v / n.
        skip: s.
        scale: a.
        tied: whether W is one matrix for all blocks.

    Returns:
        The law.

    Raises:
        SpecError: slopes are not finite or all 0 in a layer, or numbers are out of their ranges.

    Source:
        Helton, Rashidi Far and Speicher 2007 (math/0703510); Belinschi, Mai and Speicher 2013 (1303.3196);
        mathematics: section 11.
    """
    samples = np.asarray(slopes, np.float64)
    if samples.ndim != 2 or not samples.size or not np.isfinite(samples).all() or not samples.any(1).all():
        message = f"slopes: shape {samples.shape}; give finite numbers (layer, coordinate), not all 0 in any layer"
        raise SpecError(message)
    numbers = {"weight_variance": (weight_variance, "positive"), "scale": (scale, "positive"), "skip": (skip, "finite")}
    for name, (value, rule) in numbers.items():
        if not np.isfinite(value) or (rule == "positive" and value <= 0):
            message = f"{name}: {value} is not allowed; it must be a {rule} number"
            raise SpecError(message)
    equation = Equation(slopes=samples, variance=scale**2 * weight_variance, skip=skip, tied=tied)
    atom = 0.0 if skip else float(np.mean(samples == 0, 1).max())
    return BlockSpectrum(equation=equation, atom_at_zero=atom)


def _near(known: Boundary, x: Array) -> State:
    """States between neighbours, straight in log x; below all of them powers of x."""
    right = np.clip(np.searchsorted(known.x, x), 1, len(known.x) - 1)
    share = (np.log(x / known.x[right - 1]) / np.log(known.x[right] / known.x[right - 1]))[:, None, None]
    low, high = known.state.at(right - 1), known.state.at(right)
    return State(x=_between(low.x, high.x, share), y=_between(low.y, high.y, share))


def _between(low: Complex, high: Complex, share: Array) -> Complex:
    ratio = np.divide(high, low, out=np.ones_like(low), where=low != 0)
    found: Complex = np.where(share < 0, low * ratio**share, low + share * (high - low))
    return found


def _require(value: float, expected: float, what: str, error: float) -> None:
    if not abs(value - expected) < error:
        message = f"block spectrum: the {what} is {value:.9g}, not {expected:g}; choose slopes that are less extreme"
        raise WidthwiseError(message)
