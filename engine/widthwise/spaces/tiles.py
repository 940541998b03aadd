"""A matrix of independent entries in tiles, kept or made again for every product: the same bits either way."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from widthwise.spaces.dim import Dim

TILE = 1 << 10
"""Rows and columns of a tile: 4 MB in float32, large enough for fast products, small enough to be made in cache."""

Entries = Callable[[int, int, tuple[int, int]], Tensor]
"""``entries(i, j, shape)``: standardised entries of tile (i, j), column by column, (replicate, column, row)."""


class Tiles:
    """Products in a fixed order of tiles. With ``keep`` a tile is drawn once, else for every product."""

    def __init__(
        self, entries: Entries, *, rows: Dim, columns: Dim, variance: float, dtype: torch.dtype, keep: bool
    ) -> None:
        self._entries = entries
        self._rows = rows.size
        self._columns = columns.size
        self._scale = math.sqrt(variance / columns.size)
        self._dtype = dtype
        self._kept: dict[tuple[int, int], Tensor] | None = {} if keep else None

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``: O(rows columns) a vector."""
        outer = self._columns if transposed else self._rows
        out = x.new_zeros(*x.shape[:-1], outer)
        for i in range(0, self._rows, TILE):
            for j in range(0, self._columns, TILE):
                tile = self._tile(i // TILE, j // TILE)
                from_, to, factor = (i, j, tile.mT) if transposed else (j, i, tile)
                part = out[..., to : to + TILE]
                part.baddbmm_(x[..., from_ : from_ + factor.shape[1]], factor)
        return out

    def _tile(self, i: int, j: int) -> Tensor:
        if self._kept is None:
            return self._drawn(i, j)
        if (i, j) not in self._kept:
            self._kept[i, j] = self._drawn(i, j)
        return self._kept[i, j]

    def _drawn(self, i: int, j: int) -> Tensor:
        shape = (min(TILE, self._columns - j * TILE), min(TILE, self._rows - i * TILE))
        return self._entries(i, j, shape).to(self._dtype).mul_(self._scale)
