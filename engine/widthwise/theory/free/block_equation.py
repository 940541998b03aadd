r"""The operator-valued equation of a product of blocks: averages of a resolvent over coordinates, and Newton's steps.

For :math:`J = \prod_l (s + a W_l D_l)` the linear pencil of :math:`J^T J - z` has the unknowns u_0, ..., u_{L-1} and
y_1, ..., y_L, with -z at (u_0, u_0), the block l of J at (y_l, u_{l-1}), -1 at (y_l, u_l) and at (y_L, y_L). Matrices
of independent entries leave of it, at coordinate i, :math:`G_i = (A - \Sigma_i[G])^{-1}`, whose self-energy

.. math:: \Sigma_{y_l y_k} = X_{lk} = a^2 v\,avg(d_l d_k G_{u_{l-1} u_{k-1}}), \qquad
    \Sigma_{u_{l-1} u_{k-1}, i} = d_{li} d_{ki} Y_{lk}, \quad Y_{lk} = a^2 v\,avg(G_{y_l y_k})

has the unknowns X and Y: full if the blocks share W, diagonal if not. Only the upper left block g_i of G_i depends on
the coordinate otherwise than through constant matrices.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from widthwise.theory.free.measure import Complex
from widthwise.theory.kernels import Array

Indices = npt.NDArray[np.intp]

NUMBERS_AT_ONCE = 8192
"""Points times coordinates that are inverted together: what stays in the cache of one core."""

CANCELLATION = 1e-6
"""Below this part of its terms Y is their difference: near 0, outside of the support, it is as small as z."""

FEW = 256
"""Coordinates that say roughly what all say."""


@dataclass(frozen=True, kw_only=True)
class State:
    """X and Y at some points z, each (point, layer, layer) and symmetric."""

    x: Complex
    y: Complex

    def at(self, points: Indices) -> "State":
        """At some of the points."""
        return State(x=self.x[points], y=self.y[points])

    def __add__(self, other: "State") -> "State":
        return State(x=np.concatenate([self.x, other.x]), y=np.concatenate([self.y, other.y]))

    def put(self, points: Indices, other: "State") -> "State":
        """With others at these points."""
        x, y = self.x.copy(), self.y.copy()
        x[points], y[points] = other.x, other.y
        return State(x=x, y=y)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """At some points: averages of g (point, layer, layer), what X and Y should be, the relative residual (point,)."""

    g: Complex
    found: State
    residual: Array

    @property
    def trace(self) -> Complex:
        """``avg((J^T J - z)^{-1})``, (point,)."""
        return self.g[:, 0, 0]

    def at(self, points: Indices) -> "Evaluation":
        """At some of the points."""
        return Evaluation(g=self.g[points], found=self.found.at(points), residual=self.residual[points])

    def put(self, points: Indices, other: "Evaluation") -> "Evaluation":
        """With others at these points."""
        g, residual = self.g.copy(), self.residual.copy()
        g[points], residual[points] = other.g, other.residual
        return Evaluation(g=g, found=self.found.put(points, other.found), residual=residual)


@dataclass(frozen=True, kw_only=True, eq=False)
class Equation:
    """The equation of slopes d (layer, coordinate); ``variance`` is a^2 v, ``skip`` is s.

    ``tied`` says whether all blocks have the same W.
    """

    slopes: Array
    variance: float
    skip: float
    tied: bool

    @cached_property
    def few(self) -> Array:
        """Slopes at some of the coordinates, drawn at random, as they may be in any order; all if these are 0."""
        drawn = self.slopes[:, np.random.default_rng(0).permutation(self.slopes.shape[1])[:FEW]]
        return drawn if drawn.any(1).all() else self.slopes

    @cached_property
    def layers(self) -> int:
        """L."""
        return len(self.slopes)

    @cached_property
    def pairs(self) -> tuple[Indices, Indices]:
        """The unknown entries of X and of Y: the upper triangle, or the diagonal."""
        rows, columns = np.triu_indices(self.layers)
        return (rows, columns) if self.tied else (np.arange(self.layers), np.arange(self.layers))

    @cached_property
    def links(self) -> Array:
        """The constants at (y_l, u_k)."""
        return self.skip * np.eye(self.layers) - np.eye(self.layers, k=1)

    def evaluated(self, z: Complex, state: State) -> Evaluation:
        """The averages at every point, and what the equations make of them."""
        g, slanted = self._averages(z, state)
        inverse, outer = self._schur(state)
        y = inverse + outer @ g @ outer.mT
        found = State(x=self._masked(self.variance * slanted), y=self._masked(self.variance * y))
        cancelled = CANCELLATION * self.variance * _norm(inverse)
        residual = np.maximum(
            _norm(found.x - state.x) / _norm(found.x), _norm(found.y - state.y) / (_norm(found.y) + cancelled)
        )
        return Evaluation(g=g, found=found, residual=residual)

    def newton(self, z: Complex, state: State, evaluation: Evaluation, slopes: Array) -> State:
        """The state after one of Newton's steps, with the derivative by these slopes: some coordinates, or all."""
        found = evaluation.found
        gap = np.concatenate([self._entries(found.x - state.x), self._entries(found.y - state.y)], 1)
        matrix = np.eye(gap.shape[1]) - self._derivative(z, state, evaluation.g, slopes)
        step = np.linalg.solve(matrix, gap[..., None])[..., 0]
        middle = gap.shape[1] // 2
        return State(x=state.x + self._symmetric(step[:, :middle]), y=state.y + self._symmetric(step[:, middle:]))

    def angle(self, z: Complex, state: State) -> Array:
        r"""The imaginary part of :math:`\Phi = avg(\log\det(J^T J - z))`, up to a constant, (point,).

        .. math:: \Phi = avg(\log\det G_i^{-1}) + \frac{1}{a^2 v} tr(X Y)

        is stationary where the equations hold, so that its error is quadratic in theirs and its derivative by z is
        minus the trace. Determinants are products of pivots, all in the lower half plane.
        """
        blocks = -state.x
        blocks[:, -1, -1] -= 1
        _, reciprocals = _inverted(blocks[:, *self._upper].T, self._places)
        parts = [self._upper_left(*each)[1] for each in self._parts(z, state, self.slopes)]
        coordinates = np.concatenate([sum(np.angle(pivot).mean(-1) for pivot in each) for each in parts])
        coupled = (state.x * state.y).sum((1, 2)).imag / self.variance
        return coupled - coordinates - np.sum(np.angle(reciprocals), 0)

    def _schur(self, state: State) -> tuple[Complex, Complex]:
        """The inverse of the block at (y, y), and it times the links."""
        block = -state.x
        block[:, -1, -1] -= 1
        inverse = np.linalg.inv(block)
        return inverse, inverse @ self.links

    def _averages(self, z: Complex, state: State) -> tuple[Complex, Complex]:
        """Of g and of d g d, each (point, layer, layer)."""
        parts = [self._packed_averages(*each) for each in self._parts(z, state, self.slopes)]
        g, slanted = (np.concatenate(each, 1).T[:, self._places] for each in zip(*parts, strict=True))
        return g, slanted

    def _packed_averages(self, z: Complex, state: State, slopes: Array) -> tuple[Complex, Complex]:
        g, _ = self._upper_left(z, state, slopes)
        squares = slopes[self._upper[0]] * slopes[self._upper[1]]
        return g.mean(-1), np.einsum("epc,ec->ep", g, squares) / g.shape[-1]

    def _products(self, z: Complex, state: State, slopes: Array) -> tuple[Complex, Complex, Complex]:
        """Averages of products of two entries of g, of g d and of d g d: (point, entry, entry)."""
        parts = [_grams(self._upper_left(*each)[0][self._places], slopes) for each in self._parts(z, state, slopes)]
        gg, gd, dgd = (np.concatenate(each) for each in zip(*parts, strict=True))
        return gg, gd, dgd

    def _parts(self, z: Complex, state: State, slopes: Array) -> Iterator[tuple[Complex, State, Array]]:
        """As many points at a time as fit."""
        count = max(1, NUMBERS_AT_ONCE // slopes.shape[1])
        for start in range(0, len(z), count):
            part = np.arange(start, min(start + count, len(z)))
            yield z[part], state.at(part), slopes

    def _upper_left(self, z: Complex, state: State, slopes: Array) -> tuple[Complex, list[Complex]]:
        """The inverses g of ``-z e_0 - C^T (block at y, y)^{-1} C - d Y d``, as `_inverted` has them.

        Their upper triangles are (entry, point, coordinate), the reciprocals of pivots (point, coordinate).
        """
        _, outer = self._schur(state)
        constant = -(self.links.T @ outer)
        constant[:, 0, 0] -= z
        rows, columns = self._upper
        squares = slopes[rows] * slopes[columns]
        matrices = state.y[:, rows, columns].T[..., None] * -squares[:, None]
        matrices += constant[:, rows, columns].T[..., None]
        return _inverted(matrices, self._places)

    @cached_property
    def _upper(self) -> tuple[Indices, Indices]:
        rows, columns = np.triu_indices(self.layers)
        return rows, columns

    @cached_property
    def _places(self) -> Indices:
        """Where the entries (layer, layer) of a symmetric matrix are in its upper triangle."""
        places = np.zeros((self.layers, self.layers), np.intp)
        places[self._upper] = places[self._upper[::-1]] = np.arange(len(self._upper[0]))
        return places

    def _derivative(self, z: Complex, state: State, g: Complex, slopes: Array) -> Complex:
        """Of what X and Y should be by what they are, both as vectors of the unknown entries (point, entry, entry)."""
        size = self.layers
        inverse, outer = self._schur(state)
        gg, gd, dgd = (each.reshape(-1, size, size, size, size) for each in self._products(z, state, slopes))
        both = np.einsum("zpi,zqj->zpqij", outer, outer).reshape(-1, size**2, size**2)
        mixed = (both @ gd.swapaxes(2, 3).reshape(-1, size**2, size**2)).reshape(gd.shape)
        middle = outer @ g @ outer.mT
        # Products of two entries at y, (a, p) and (b, q), of one coordinate: each is a constant and a part that varies.
        lower = (both @ gg.reshape(-1, size**2, size**2) @ both.mT).reshape(gg.shape)
        lower += np.einsum("zap,zbq->zapbq", inverse + middle, inverse + middle)
        lower -= np.einsum("zap,zbq->zapbq", middle, middle)
        rows = [
            np.concatenate([self._reduced(mixed.transpose(0, 3, 4, 1, 2)), self._reduced(dgd.swapaxes(2, 3))], 2),
            np.concatenate([self._reduced(lower.swapaxes(2, 3)), self._reduced(mixed)], 2),
        ]
        derivative: Complex = np.concatenate(rows, 1)
        return derivative * self.variance

    def _reduced(self, tensor: Complex) -> Complex:
        """A map of symmetric matrices (point, out, out, in, in) as one of the unknown entries."""
        a, b = self.pairs
        both = tensor[:, a[:, None], b[:, None], a, b] + tensor[:, a[:, None], b[:, None], b, a]
        return np.where(a == b, both / 2, both)

    def _entries(self, matrices: Complex) -> Complex:
        return matrices[:, *self.pairs]

    def _symmetric(self, entries: Complex) -> Complex:
        matrices = np.zeros((len(entries), self.layers, self.layers), complex)
        matrices[:, *self.pairs] = entries
        matrices[:, *self.pairs[::-1]] = entries
        return matrices

    def _masked(self, matrices: Complex) -> Complex:
        return self._symmetric(self._entries(matrices))


def _grams(g: Complex, slopes: Array) -> tuple[Complex, Complex, Complex]:
    """Averages of products of any two entries of g, g d and d g d, g being (row, column, point, coordinate)."""
    matrices = np.moveaxis(g, 2, 0)
    right = matrices * slopes
    return _gram(matrices), _gram(right), _gram(right * slopes[:, None])


def _gram(matrices: Complex) -> Complex:
    flat: Complex = matrices.reshape(len(matrices), -1, matrices.shape[-1])
    products: Complex = flat @ flat.swapaxes(1, 2)
    return products / flat.shape[-1]


def _inverted(matrices: Complex, places: Indices) -> tuple[Complex, list[Complex]]:
    """Inverses of symmetric matrices, held as upper triangles (entry, ...), and the reciprocals of their pivots.

    If imaginary parts are definite no rows need to be exchanged (Higham 1998, "Factorizing complex symmetric matrices
    with positive definite real and imaginary parts"), so that all are swept at once. What they were is lost.
    """
    size, product = len(places), np.empty_like(matrices[0])
    reciprocals = []
    for k in range(size):
        others = [i for i in range(size) if i != k]
        reciprocals.append(1 / matrices[places[k, k]])
        scaled = {i: matrices[places[i, k]] * reciprocals[-1] for i in others}
        for i in others:
            for j in others[others.index(i) :]:
                np.multiply(scaled[i], matrices[places[j, k]], out=product)
                matrices[places[i, j]] -= product
        for i in others:
            matrices[places[i, k]] = scaled[i]
        matrices[places[k, k]] = -reciprocals[-1]
    return np.negative(matrices, out=matrices), reciprocals


def _norm(matrices: Complex) -> Array:
    """Of every point."""
    found: Array = np.linalg.norm(matrices, axis=(1, 2))
    return found
