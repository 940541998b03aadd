"""Chains: laws of products of free rectangular matrices, with the ratio of their sides carried along.

The law of a matrix here is that of its squared singular values, the eigenvalues of :math:`J^T J`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from widthwise.errors import SpecError
from widthwise.theory.free.measure import Measure
from widthwise.theory.free.series import inverse, product, reverted
from widthwise.theory.kernels import Array

WeightLaw = Literal["iid", "orthogonal"]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A random matrix of ``ratio`` rows for each column; entries have variance ``variance`` / columns.

    The orthogonal one has orthogonal rows or columns, whichever are fewer, and entries of the same variance.
    """

    ratio: float
    variance: float
    law: WeightLaw


@dataclass(frozen=True, kw_only=True)
class Diagonal:
    """A diagonal matrix with entries d; ``squares`` is the law of d^2."""

    squares: Measure


@dataclass(frozen=True, kw_only=True)
class Link:
    """A matrix of a chain; its columns are as many as those of the whole chain over ``stretch``."""

    factor: Weights | Diagonal
    stretch: float


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A product of free matrices, the one applied first in front; ``ratio`` is rows over columns of the product.

    ``outer @ inner`` is the law of the product of a matrix of law ``outer`` and a free one of law ``inner``: the
    rectangular multiplicative convolution, associative (FPNN 2111.00841, definition 2.4).
    """

    links: tuple[Link, ...]
    ratio: float

    def __matmul__(self, inner: "Chain") -> "Chain":
        moved = tuple(Link(factor=each.factor, stretch=each.stretch / inner.ratio) for each in self.links)
        return Chain(links=(*inner.links, *moved), ratio=self.ratio * inner.ratio)

    @property
    def atom_at_zero(self) -> float:
        """The mass at 0, that of the kernel of the product, of which every matrix has its part."""
        ranks = [1.0, 1 / self.links[0].stretch, *(_rank(each) for each in self.links)]
        return 1 - min(ranks)

    def atom_above_zero(self) -> tuple[float, float]:
        """Place and mass of the one atom that is not at 0, if there is any; the mass is 0 if not.

        Only orthogonal matrices leave vectors that every diagonal multiplies by its most likely entry
        (Bercovici and Voiculescu 1998, for projections a count of dimensions).
        """
        place, mass = 1.0, 1.0
        for each in self.links:
            if isinstance(each.factor, Weights):
                if each.factor.law == "iid":
                    return 0.0, 0.0
                place *= each.factor.variance * max(each.factor.ratio, 1.0)
                mass -= max(0.0, 1 - each.factor.ratio) / each.stretch
            else:
                squares = each.factor.squares
                likely = int(np.argmax(squares.weights * (squares.points > 0)))
                place *= float(squares.points[likely])
                mass -= (1 - float(squares.weights[likely])) / each.stretch
        return (place, mass) if place > 0 and mass > ROUNDING else (0.0, 0.0)

    def moments(self, orders: int) -> Array:
        r"""``E[x^k]``, k = 1 .. ``orders``: exact, shape (order,).

        The moment transform m of 1/t solves :math:`t = m / ((1 + m) \prod 1 / S)`; Lagrange's inversion.
        """
        quotient = np.zeros(orders)
        quotient[:2] = 1.0
        for each in self.links:
            quotient = product(quotient, _reciprocal(each, orders))
        return reverted(quotient)


def weights(ratio: float = 1.0, variance: float = 1.0, law: WeightLaw = "iid") -> Chain:
    """The law of a random matrix of ``ratio`` rows for each column, entries of variance ``variance`` / columns.

    Raises:
        SpecError: a number is not positive, or the law is neither ``"iid"`` nor ``"orthogonal"``.
    """
    for name, value in (("ratio", ratio), ("variance", variance)):
        if not 0 < value < np.inf:
            message = f"{name}: {value} is not allowed; it must be a positive number"
            raise SpecError(message)
    if law not in ("iid", "orthogonal"):
        message = f"weights: {law!r} is not known; allowed: iid, orthogonal"
        raise SpecError(message)
    return Chain(links=(Link(factor=Weights(ratio=ratio, variance=variance, law=law), stretch=1.0),), ratio=ratio)


def diagonal(squares: Measure) -> Chain:
    """The law of a square diagonal matrix whose squared entries are of law ``squares``."""
    return Chain(links=(Link(factor=Diagonal(squares=squares), stretch=1.0),), ratio=1.0)


ROUNDING = 1e-12
"""Masses below are sums of roundings."""


def _rank(link: Link) -> float:
    """The rank of a matrix relative to the columns of the chain."""
    factor = link.factor
    share = min(factor.ratio, 1.0) if isinstance(factor, Weights) else 1 - factor.squares.atom_at_zero
    return share / link.stretch


def _reciprocal(link: Link, orders: int) -> Array:
    r""":math:`1 / S(\Lambda m)` of one matrix as a series in m."""
    scale = link.stretch ** np.arange(orders)
    if isinstance(link.factor, Diagonal):
        moments = link.factor.squares.moments(orders)
        if not moments[0]:
            return np.zeros(orders)
        # w = t (mu_1 + mu_2 t + ...), t = 1 / chi; 1 / S = w chi / (1 + w).
        series = inverse(reverted(inverse(moments)))
        return product(series, inverse(_linear(1.0, orders))) * scale
    ratio, variance = link.factor.ratio, link.factor.variance
    if link.factor.law == "iid":
        return variance * _linear(ratio, orders) * scale
    if ratio >= 1:
        return variance * ratio * np.eye(1, orders)[0]
    return variance * product(_linear(ratio, orders), inverse(_linear(1.0, orders))) * scale


def _linear(constant: float, orders: int) -> Array:
    """``constant + t``."""
    series = np.zeros(orders)
    series[:2] = (constant, 1.0)[:orders]
    return series
