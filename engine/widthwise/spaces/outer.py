"""The OuterNonlin instruction: averages of a function of several coordinates at once, in tiles."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from widthwise.randomness import numpy_generator

VALUES_AT_ONCE = 1 << 22
"""Values of psi that one tile holds, about 16 MB in float32."""

PAIRING_SEED = 0
"""Of the permutations that pair the samples of a ket: fixed, since the samples themselves are random."""


def outer(
    psi: Callable[..., Tensor], x: Tensor, others: Sequence[Tensor], scalars: Sequence[Tensor], tuples: int | None
) -> Tensor:
    """Averages of psi over tuples of coordinates of ``others``, for every coordinate of x.

    Tiles are recomputed in the backward pass, so that memory stays that of one tile.

    Args:
        psi: see ``Space.outer``.
        x: shape (replicate, ..., coordinate).
        others: r vectors of the same layout.
        scalars: shape (replicate, ...).
        tuples: how many tuples to average over, or None for all.
    """
    if not others:
        values = psi(x, *(each[..., None] for each in scalars))
        return values.expand(*values.shape[:-1], x.shape[-1])
    if tuples is not None and math.prod(y.shape[-1] for y in others) > tuples:
        return _incomplete(psi, x, others, scalars, min(tuples, *(y.shape[-1] for y in others)))
    order = len(others)
    spread_x = _spread(x, 0, order)
    spread = [_spread(y, position + 1, order) for position, y in enumerate(others)]
    spread_scalars = [each[(..., *[None] * (order + 1))] for each in scalars]
    return torch.cat(
        [_rows(psi, rows, spread, spread_scalars) for rows in spread_x.split(_side(x, others), -1 - order)], -1
    )


def _rows(psi: Callable[..., Tensor], x: Tensor, others: Sequence[Tensor], scalars: Sequence[Tensor]) -> Tensor:
    """The average over all tuples for some coordinates of x, tile by tile."""
    order = len(others)
    axes = tuple(range(-order, 0))
    side = _side(x, others)

    def total(*arguments: Tensor) -> Tensor:
        tile = torch.broadcast_shapes(*(each.shape[-1 - order :] for each in arguments))
        values = psi(*arguments)
        return values.expand(*values.shape[: -1 - order], *tile).sum(axes)

    blocks = itertools.product(*(y.split(side, axis) for y, axis in zip(others, axes, strict=True)))
    count = math.prod(y.shape[axis] for y, axis in zip(others, axes, strict=True))
    return _sum(checkpoint(total, x, *block, *scalars, use_reentrant=False) for block in blocks) / count


def _incomplete(
    psi: Callable[..., Tensor], x: Tensor, others: Sequence[Tensor], scalars: Sequence[Tensor], tuples: int
) -> Tensor:
    """The average over ``tuples`` tuples, the same for all coordinates of x.

    The first samples of a Sobol sequence are themselves evenly spread. Each further argument takes the samples that
    follow those of the one before, in random order, since corresponding blocks of the sequence are not independent.
    """
    chosen = [y[..., _indices(y, position, tuples)][..., None, :] for position, y in enumerate(others)]
    spread_scalars = [each[..., None, None] for each in scalars]

    def total(rows: Tensor, *arguments: Tensor) -> Tensor:
        values = psi(rows, *arguments)
        return values.expand(*values.shape[:-2], rows.shape[-2], tuples).sum(-1)

    rows = max(1, VALUES_AT_ONCE // (tuples * _multiplicity(x, others)))
    parts = [
        checkpoint(total, part[..., None], *chosen, *spread_scalars, use_reentrant=False) for part in x.split(rows, -1)
    ]
    return torch.cat(parts, -1) / tuples


def _indices(y: Tensor, position: int, tuples: int) -> Tensor:
    block = torch.arange(position * tuples, (position + 1) * tuples) % y.shape[-1]
    if position:
        block = block[torch.from_numpy(numpy_generator(PAIRING_SEED, position, tuples).permutation(tuples))]
    return block.to(y.device)


def _spread(y: Tensor, position: int, order: int) -> Tensor:
    """The coordinate axis of ``y`` at its place among 1 + order of them."""
    return y.reshape(*y.shape[:-1], *[1] * position, y.shape[-1], *[1] * (order - position))


def _side(x: Tensor, others: Sequence[Tensor]) -> int:
    """Coordinates along each axis of a tile."""
    return max(1, int((VALUES_AT_ONCE / _multiplicity(x, others)) ** (1 / (1 + len(others)))))


def _multiplicity(x: Tensor, others: Sequence[Tensor]) -> int:
    """Values of psi for one tuple of coordinates, at least: replicates and the constant axes."""
    return math.prod(torch.broadcast_shapes(*(y.shape[:-1] for y in (x, *others))))


def _sum(terms: Iterator[Tensor]) -> Tensor:
    total = next(terms)
    for term in terms:
        total = total + term
    return total
