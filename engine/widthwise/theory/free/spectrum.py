"""The law of a chain as numbers: density, distribution function, quantiles, moments, edges, atoms."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from widthwise.errors import SpecError
from widthwise.theory.free.chain import Chain, Diagonal, Weights
from widthwise.theory.free.edges import edges
from widthwise.theory.free.equation import Equation, equation, log_moment
from widthwise.theory.free.grid import NARROWEST, Grid, boundary, full_grid, integrals, seen
from widthwise.theory.free.lilypads import require_none, solve
from widthwise.theory.free.measure import Complex
from widthwise.theory.free.resolution import resolved
from widthwise.theory.kernels import Array

CLOSE = 1e-12
"""Error of a distribution function at which a quantile is found."""

WIDE = 1e-2
"""Length of an interval in log x that a quantile is looked for in, from which on a point of it must be reached."""

ROUGH = 1e-8
"""Difference of the integral of a cubic from the mass between neighbours, above which cubics say nothing."""

ROUNDS = 80
"""At most, of a search in an interval that is halved at worst."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The law of the squared singular values of a product of free matrices, eigenvalues of J^T J.

    Raises:
        SpecError: at construction, of a diagonal and orthogonal matrices alone: the law is that of the diagonal.
    """

    chain: Chain

    def __post_init__(self) -> None:
        factors = [link.factor for link in self.chain.links]
        iid = any(isinstance(each, Weights) and each.law == "iid" for each in factors)
        spread = [each for each in factors if isinstance(each, Diagonal) and len(each.squares.positive[0]) > 1]
        if not iid and len(spread) == 1:
            message = (
                "weights: orthogonal matrices and a single diagonal have the squared entries of the diagonal for "
                "spectrum, which is no density; take iid weights or two layers"
            )
            raise SpecError(message)

    @cached_property
    def atom_at_zero(self) -> float:
        """The mass at 0."""
        return max(self.chain.atom_at_zero, 0.0)

    @cached_property
    def atom(self) -> tuple[float, float]:
        """Place and mass of the atom above 0; a mass of 0 if there is none."""
        return self.chain.atom_above_zero()

    def moment_transform(self, z: npt.ArrayLike) -> Complex:
        """``E[x / (z - x)]`` at points of the upper half plane, in the shape of z.

        Raises:
            SpecError: a point is not in the upper half plane.
            WidthwiseError: Newton's method did not reach a point; names it.
        """
        at = np.asarray(z, np.complex128)
        if not np.all(at.imag > 0):
            message = "z: must be in the upper half plane; give points x + i y with y above 0, such as 1e-9"
            raise SpecError(message)
        zeta = np.log(at.ravel())
        if not self.has_density:
            place, mass = self.atom
            return mass * place / (at - place)
        order = np.argsort(zeta)
        values = np.empty(zeta.shape, np.complex128)
        _, found = resolved(self.chain, lambda system: solve(system, zeta), lambda solution: solution)
        values[order] = found.unknowns[0]
        return values.reshape(at.shape)

    def density(self, x: npt.ArrayLike) -> Array:
        """Of the law without its atoms, at x > 0, in the shape of x."""
        return self._boundary(x, "mass") / np.asarray(x, np.float64)

    def survival(self, x: npt.ArrayLike) -> Array:
        """The mass above x > 0, in the shape of x; in closed form of the moment transform there."""
        return self._boundary(x, "above")

    def cdf(self, x: npt.ArrayLike) -> Array:
        """The mass up to x > 0, in the shape of x."""
        return 1 - self.survival(x)

    def quantile(self, p: npt.ArrayLike) -> Array:
        """The smallest x with ``cdf(x) >= p``, in the shape of p.

        Raises:
            SpecError: a p is not in [0, 1].
        """
        return np.exp(self.log_quantile(p))

    def log_quantile(self, p: npt.ArrayLike) -> Array:
        """Natural logarithm of `quantile`, which of deep networks may be below all floating point numbers."""
        asked = np.asarray(p, np.float64)
        if not np.all((asked >= 0) & (asked <= 1)):
            message = f"quantile: {asked} is not allowed; levels are from 0 to 1"
            raise SpecError(message)
        above = 1 - asked.ravel()
        found = np.full(above.shape, -np.inf)
        inside = above < 1 - self.atom_at_zero - CLOSE
        if self.has_density:
            found[inside] = self._searched(above[inside])
        elif inside.any():
            found[inside] = np.log(self.atom[0])
        return found.reshape(asked.shape)

    def cells(self, borders: Array) -> Array:
        """Means of the quantile function over cells of (0, 1).

        Args:
            borders: shape (cell + 1,), ascending from 0 to 1, as of `widthwise.theory.cells`.

        Returns:
            Shape (cell,), ascending.
        """
        if not self.has_density:
            place, mass = self.atom
            return place * np.diff(np.clip(borders - (1 - mass), 0.0, None)) / np.diff(borders)
        inner = borders[1:-1]
        within = 1 - inner < self.grid.above[0]
        places = self.log_quantile(inner[within])
        values, _ = seen(self._system, np.unique(np.concatenate([self.grid.log_x, places])), self.grid.solution)
        every, exact = values.log_x, -np.diff(values.above)
        x = np.exp(every)
        # The sum of x dF, by cubics of x^2 times the density; at edges and atoms the mass at the middle.
        first = integrals(every, values.mass * x, (values.slope + values.mass) * x)
        rough = np.abs(integrals(every, values.mass, values.slope) - exact) > ROUGH
        first = np.where(rough, exact * (x[1:] + x[:-1]) / 2, first)
        lorenz = np.concatenate([[0.0], np.cumsum(first)])
        at = np.minimum(np.searchsorted(every, places), len(every) - 1)
        # Within an atom many levels have one place: from the mass up to it back to the level.
        part = np.zeros(inner.shape)
        part[within] = np.maximum(lorenz[at] - x[at] * (1 - values.above[at] - inner[within]), 0.0)
        return np.diff(np.concatenate([[0.0], part, [self.moments(1)[0]]])) / np.diff(borders)

    def moments(self, orders: int) -> Array:
        """``E[x^k]``, k = 1 .. ``orders``, exact, shape (order,)."""
        return self.chain.moments(orders)

    @cached_property
    def log_moment(self) -> float:
        """``E[log x; x > 0]``: the sum of Lyapunov exponents, doubled, per dimension that is not lost."""
        place, mass = self.atom
        if not self.has_density:
            return float(mass * np.log(place)) if mass else 0.0
        return log_moment(equation(self.chain))

    @cached_property
    def mass(self) -> float:
        """The integral of the density over the grid, and the atoms: 1, but for errors.

        At edges, between neighbours too near to each other for a quadrature, the mass is that in closed form.
        """
        atoms = self.atom_at_zero + self.atom[1]
        if not self.has_density:
            return atoms
        place, mass = self.atom
        narrow = np.diff(self.grid.log_x) <= NARROWEST
        closed = -np.diff(self.grid.above)
        if mass:
            closed[np.searchsorted(self.grid.log_x, np.log(place)) - 1] -= mass
        return float(np.sum(np.where(narrow, closed, self.grid.integrals))) + atoms

    @cached_property
    def grid(self) -> Grid:
        """Where the density bends; without atoms."""
        return self._resolved[1]

    @cached_property
    def edges(self) -> Array:
        """Where the support without atoms begins and ends, in ascending pairs; 0 where it begins at 0."""
        if not self.has_density:
            return np.full(2, self.atom[0])
        return edges(self._system, self.grid)

    @cached_property
    def _resolution(self) -> dict[str, int]:
        return {}

    @cached_property
    def _systems(self) -> dict[int, Equation]:
        return {}

    @cached_property
    def has_density(self) -> bool:
        """Whether there is mass beside the atoms."""
        return self.atom_at_zero + self.atom[1] < 1 - 1e-9

    @property
    def _system(self) -> Equation:
        return self._resolved[0]

    @cached_property
    def _resolved(self) -> tuple[Equation, Grid]:
        return resolved(self.chain, lambda system: full_grid(system, 1 - self.atom_at_zero), Grid.trusted)

    def _boundary(self, x: npt.ArrayLike, name: str) -> Array:
        at = np.asarray(x, np.float64)
        if not np.all((at > 0) & np.isfinite(at)):
            message = "x: must be positive and finite"
            raise SpecError(message)
        if not self.has_density:
            return np.where(at < self.atom[0], self.atom[1], 0.0) if name == "above" else np.zeros(at.shape)
        flat = np.log(at.ravel())
        order = np.argsort(flat, kind="stable")
        values = np.empty(flat.shape)
        _, found = resolved(self.chain, lambda system: boundary(system, flat[order]), Grid.trusted)
        values[order] = getattr(found, name)
        return values.reshape(at.shape)

    def _searched(self, above: Array) -> Array:
        """Where so much mass is above, as log x: Newton's method in intervals that are halved where it leaves them."""
        grid = self.grid
        right = np.clip(np.searchsorted(-grid.above, -above), 1, len(grid.above) - 1)
        low, high = grid.log_x[right - 1].copy(), grid.log_x[right].copy()
        below = above > grid.above[0]
        low[below] = -np.inf
        high[below] = grid.log_x[0]
        heights = grid.above[right - 1] - grid.above[right]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(heights > 0, (grid.above[right - 1] - above) / heights, 0.5)
        at = np.where(below, grid.log_x[0] - 1.0, low + share * (high - low))
        open_ = np.ones(above.shape, np.bool_)
        for _ in range(ROUNDS):
            going = np.flatnonzero(open_)
            if not len(going):
                break
            values, missed = seen(self._system, np.sort(at[going]), grid.solution)
            wide = np.isin(at[going], missed) & (high[going] - low[going] > WIDE)
            require_none(at[going][wide])
            open_[going] = ~np.isin(at[going], missed)
            order = going[open_[going]]
            order = order[np.argsort(at[order], kind="stable")]
            miss = values.above - above[order]
            low[order] = np.where(miss >= 0, at[order], low[order])
            high[order] = np.where(miss < 0, at[order], high[order])
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = at[order] + miss / values.mass
            between = np.isfinite(newton) & (newton > low[order]) & (newton < high[order])
            halved = np.where(np.isfinite(low[order]), (low[order] + high[order]) / 2, high[order] - 2 * 1.0)
            done = (np.abs(miss) <= CLOSE) | (high[order] - low[order] <= NARROWEST)
            at[order] = np.where(done, at[order], np.where(between, newton, halved))
            open_[order] = ~done
        return at


def spectrum(chain: Chain) -> Spectrum:
    """The law of the squared singular values of a product of free matrices.

    Raises:
        SpecError: of a diagonal and orthogonal matrices alone: the law is that of the diagonal.
    """
    return Spectrum(chain)
