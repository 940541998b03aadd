"""The grid of a law: its boundary values from the upper end of the support down, dense where the density bends."""

from dataclasses import dataclass

import numpy as np

from widthwise.errors import WidthwiseError
from widthwise.theory.free.equation import Equation, potential
from widthwise.theory.free.lilypads import Mask, Solution, pointed, polished, reached, require_none, solve
from widthwise.theory.kernels import Array

HEIGHT = 1e-9
"""Angle of z above the real axis from which boundary values are taken."""

LEFT_OUT = 1e-6
"""Mass below the grid, of that above 0."""

UNREACHED = 0.05
"""Mass at the lower end that may be out of reach, of that above 0: where wide laws of slopes have but few points."""

TOLERANCE = 1e-9
"""Of the mass between two neighbours: closed form against the integral of a cubic."""

TAIL = 1e-4
"""Mass at the lower end whose details are those of a quadrature rule that has but few points for small slopes."""

MOST = 2000
"""Points, beyond which a grid is not refined."""

NARROWEST = 1e-7
"""Distance of neighbours in log x that is not cut any more, at edges."""

BLOCK, SPACING, GROWTH, DEPTHS = 16, 0.25, 1.2, 40

CLEAR = 1e-3
"""Angle of m below the real axis at which a root is the right one whatever Newton's method began with."""

FAINT = 1e-4
"""Density of log x at `HEIGHT` above an edge of the support, or some 1e-8 inside."""

NOTHING = 1e-13
"""Densities of log x below are zero but for rounding."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Boundary values at ascending log x, all of shape (point,).

    ``mass`` is the density of log x, ``slope`` its derivative by log x and ``above`` the mass of the law above x.
    """

    solution: Solution
    log_x: Array
    mass: Array
    slope: Array
    above: Array

    @property
    def inside(self) -> Mask:
        """Whether x is in the support; of values from above the axis by how large they are."""
        return self.mass > np.where(self.solution.zeta.imag > 0, FAINT, 0.0)

    def trusted(self) -> Solution:
        """The solution inside of the support, without its lowest part."""
        return self.solution[self.inside & (self.above[0] - self.above > TAIL)]

    @property
    def integrals(self) -> Array:
        """Of the density between neighbours, by cubics, shape (point - 1,)."""
        return integrals(self.log_x, self.mass, self.slope)


def integrals(x: Array, values: Array, slopes: Array) -> Array:
    """Between neighbours, by cubics with given slopes at both ends."""
    width = np.diff(x)
    return width / 2 * (values[:-1] + values[1:]) - width**2 / 12 * np.diff(slopes)


def boundary(system: Equation, log_x: Array, known: Solution | None = None) -> Grid:
    """Boundary values at ascending log x; known neighbours are where Newton's method begins.

    They are those at x + i0 where Newton's method gets there from a little above, else those a little above: near an
    edge of the support.

    Raises:
        WidthwiseError: a point was not reached; names it.
    """
    if known is None:
        return _grid(system, _let_down(system, solve(system, log_x + 1j * HEIGHT)))
    grid, missed = seen(system, log_x, known)
    require_none(missed)
    return grid


def seen(system: Equation, log_x: Array, known: Solution) -> tuple[Grid, Array]:
    """Boundary values at those of ascending log x that are reached, as by `boundary`, and the others."""
    found, lost = _clear(system, log_x, known)
    missed = lost[:0]
    if len(lost):
        above, away = reached(system, known, lost + 1j * HEIGHT)
        found, missed = found + _let_down(system, above), away.real.astype(np.float64)
    return _grid(system, found), missed


def _clear(system: Equation, log_x: Array, known: Solution) -> tuple[Solution, Array]:
    """The solution on the real axis at those places where neighbours point to it and m is far below, and the others."""
    found, lost = pointed(system, known, log_x + 0j)
    clear = found.unknowns[0].imag < -CLEAR * np.abs(found.unknowns[0])
    return found[clear], np.sort(np.append(lost, found.zeta[~clear]).real)


def full_grid(system: Equation, mass: float) -> Grid:
    """The grid of a law with ``mass`` above 0.

    Raises:
        WidthwiseError: a point was not reached; names it.
    """
    grid, given_up = _scanned(system, mass), np.empty(0)
    for _ in range(DEPTHS):
        width = np.diff(grid.log_x)
        with np.errstate(invalid="ignore"):
            error = np.abs(grid.integrals + np.diff(grid.above))
        tail = grid.above[0] - grid.above[:-1] < TAIL
        coarse = np.flatnonzero(~(error <= np.where(tail, TAIL / 100, TOLERANCE)) & (width > NARROWEST))
        coarse = np.setdiff1d(coarse, np.searchsorted(grid.log_x, given_up) - 1)
        if not len(coarse) or len(grid.log_x) > MOST:
            break
        middles: Array = grid.log_x[coarse] + width[coarse] / 2
        more, missed = seen(system, middles, grid.solution)
        grid, given_up = merged(grid, more), np.append(given_up, missed)
    return grid


def merged(first: Grid, second: Grid) -> Grid:
    """Of both, in order."""
    order = np.argsort(np.concatenate([first.log_x, second.log_x]), kind="stable")

    def joined(name: str) -> Array:
        values: Array = np.concatenate([getattr(first, name), getattr(second, name)])[order]
        return values

    return Grid(
        solution=first.solution + second.solution,
        log_x=joined("log_x"),
        mass=joined("mass"),
        slope=joined("slope"),
        above=joined("above"),
    )


def _scanned(system: Equation, mass: float) -> Grid:
    """From above the support down to where nearly nothing is left, in steps that grow.

    Raises:
        WidthwiseError: more than `UNREACHED` is left where Newton's method ends.
    """
    top, spacing = _top(system), SPACING
    grid = boundary(system, top - SPACING * np.arange(float(BLOCK))[::-1])
    while grid.above[0] < mass * (1 - LEFT_OUT):
        places: Array = grid.log_x[0] - spacing * np.arange(1.0, BLOCK + 1)[::-1]
        try:
            grid = merged(boundary(system, places, grid.solution), grid)
            spacing *= GROWTH
        except WidthwiseError:
            spacing /= 4
            if spacing < SPACING / 16:
                if grid.above[0] < mass * (1 - UNREACHED):
                    raise
                break
    return grid


def _top(system: Equation) -> float:
    """A log x above the support: found by going up until nothing is left."""
    top = float(np.log(system.second / system.first)) + 0.0123  # on no place that anything is special about
    for _ in range(DEPTHS):
        there = boundary(system, np.array([top]))
        if there.mass[0] <= NOTHING and there.above[0] <= 1e-8:
            return top
        top += 1.0
    return top


def _let_down(system: Equation, above: Solution) -> Solution:
    """Onto the real axis, where Newton's method gets there; a solution that it does not stays where it is."""
    real = above.zeta.real + 0j
    with np.errstate(all="ignore"):
        landed, fine = polished(system, above.unknowns, real)
    return landed[fine] + above[~fine]


def _grid(system: Equation, at: Solution) -> Grid:
    mass = -at.unknowns[0].imag / np.pi
    nothing = (at.zeta.imag == 0) & (mass < NOTHING)
    return Grid(
        solution=at,
        log_x=at.zeta.real.astype(np.float64),
        mass=np.where(nothing, 0.0, mass),
        slope=np.where(nothing, 0.0, -at.slopes[0].imag / np.pi),
        above=np.clip(potential(system, at.unknowns, at.zeta).imag / np.pi, 0.0, 1.0),
    )
