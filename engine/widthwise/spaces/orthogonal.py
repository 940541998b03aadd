"""A Haar-distributed orthogonal matrix, revealed where it is looked at."""

import math

import torch
from torch import Tensor

from widthwise.spaces.basis import Basis
from widthwise.spaces.dim import Dim
from widthwise.spaces.gram import gram
from widthwise.spaces.matrices import Fresh
from widthwise.spaces.split import combine, split


class RevealedOrthogonal:
    r"""Entries of variance ``variance / columns``; rows or columns orthogonal, whichever are fewer.

    A product shows pairs :math:`v = O u`, which answer for O and for its transpose. A direction orthogonal to all u is
    sent to a uniformly random one orthogonal to all v: exact in law at every width. What is not square is a corner of
    the square matrix of the longer side.
    """

    def __init__(self, fresh: Fresh, *, rows: Dim, columns: Dim, variance: float) -> None:
        self._fresh = fresh
        self._dims = (rows, columns)
        self._size = max(rows.size, columns.size)
        self._scale = math.sqrt(variance * max(rows.extent, columns.extent) / columns.extent)
        self._pairs = (Basis(), Basis())

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``, consistent with every product before it."""
        asked, answered = reversed(self._pairs) if transposed else self._pairs
        outer, inner = reversed(self._dims) if transposed else self._dims
        known_images = asked.images
        padded = torch.nn.functional.pad(x, (0, self._size - x.shape[-1]))
        inside, new, factor = split(padded, asked.rows)
        images = self._partners(new, answered.rows, max(outer, inner, key=lambda dim: dim.size))
        asked.append(new, images)
        answered.append(images, new)
        product = combine(factor, images)
        if inside is not None and known_images is not None:
            product = torch.baddbmm(product, inside.to(x.dtype), known_images)
        return product[..., : outer.size].mul_(self._scale)

    def _partners(self, new: Tensor, answered: Tensor | None, dim: Dim) -> Tensor:
        """Random orthonormal directions for the new ones; zero where a direction was dropped."""
        alive = gram(new).diagonal(dim1=-2, dim2=-1) > 0.5
        _, partners, _ = split(self._fresh(new.shape[1], dim) * alive[..., None], answered)
        return partners
