"""Ways to hold a random matrix W, entries of variance ``variance / columns``: revealed, or by its columns."""

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from widthwise.spaces.basis import Basis
from widthwise.spaces.dim import Dim
from widthwise.spaces.gram import added, gram
from widthwise.spaces.split import combine, split

Fresh = Callable[[int, Dim], Tensor]
"""``fresh(count, dim)``: standard normal columns nobody has seen, shape (replicate, count, coordinate)."""


class Strategy(Protocol):
    """Products with W or its transpose on blocks of vectors, (replicate, vector, coordinate) -> the same."""

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``."""
        ...


class Columns:
    """A matrix of features, given by its columns: (replicate, feature, coordinate), of variance 1."""

    def __init__(self, columns: Tensor, *, rows: Dim, variance: float) -> None:
        self._transpose = columns * math.sqrt(variance / columns.shape[1])
        self._weight = rows.weight

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``."""
        return added(x, self._transpose) * self._weight if transposed else x @ self._transpose


class Revealed:
    r"""A Gaussian matrix drawn only where it is looked at, exact in law: O(n k^2) time, O(n k) memory for k products.

    With orthonormal Q (asked of W) and P (asked of W^T), a new direction q orthogonal to Q is answered by

    .. math:: W q = \sum_j p_j \, \langle p_j, W q \rangle + (I - P P^T) g, \qquad
        \langle p_j, W q \rangle = \tfrac{columns}{rows} \langle W^T p_j, q \rangle

    with g a fresh Gaussian, because W restricted to orthogonal directions is independent. With samples for coordinates
    the first sum is the dot and the rest the hat of TP4b 2.6.5.
    """

    def __init__(self, fresh: Fresh, *, rows: Dim, columns: Dim, variance: float) -> None:
        self._fresh = fresh
        self._dims = (rows, columns)
        self._variance = variance
        self._asked = (Basis(), Basis())

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``, consistent with every product before it."""
        asked, answered = reversed(self._asked) if transposed else self._asked
        known_images = asked.images
        inside, new, factor = split(x, asked.rows)
        images = self._reveal(new, answered, transposed=transposed)
        asked.append(new, images)
        product = combine(factor, images)
        if inside is None or known_images is None:
            return product
        return torch.baddbmm(product, inside.to(x.dtype), known_images)

    def _reveal(self, new: Tensor, answered: Basis, *, transposed: bool) -> Tensor:
        """Answers for orthonormal directions orthogonal to all asked before.

        A dropped direction (a zero row) gets an answer too: every coefficient it could ever be multiplied with is zero.
        """
        rows, columns = self._dims
        inner, outer = (rows, columns) if transposed else (columns, rows)
        scale = math.sqrt(self._variance * inner.extent / columns.extent)
        fresh = self._fresh(new.shape[1], outer)
        if answered.rows is None or answered.images is None:
            return fresh.mul_(scale)
        coefficients = inner.extent / outer.extent * gram(new, answered.images) - scale * gram(fresh, answered.rows)
        return torch.baddbmm(fresh, coefficients.to(new.dtype), answered.rows, beta=scale)
