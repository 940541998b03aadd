"""Averages over the coordinate axis, accumulated in float64 over fixed blocks in order."""

from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor

from widthwise import randomness
from widthwise.spaces.gathered import gathered
from widthwise.spaces.shard import here, whole

BLOCK = 1 << 13
"""Coordinates added at a time: their float64 copies stay in cache."""

STREAM = randomness.BLOCK
"""Coordinates whose sum is one part of an average: those of a stream of random numbers, which no shard divides."""


def gram(x: Tensor, y: Tensor | None = None) -> Tensor:
    r"""Average of products of coordinates, :math:`K_{ij} = \frac1n \sum_a x_{ia} y_{ja}`.

    At finite width the empirical kernel, for kets an estimate of :math:`E[x_i y_j]`.

    Args:
        x: shape (replicate, input, coordinate), dimensionless.
        y: shape (replicate, input', coordinate); ``x`` itself when left out.

    Returns:
        float64, shape (replicate, input, input'). Differentiable.

    Source:
        TP4b 1.2.1.
    """
    products = map(_square, _cut(x, STREAM)) if y is None else map(_product, _cut(x, STREAM), _cut(y, STREAM))
    return _added(products, x.shape[-1]) / whole(x.shape[-1])


def _added(parts: Iterable[Tensor], length: int) -> Tensor:
    """The sum of the parts of an axis of this length, in order, with those of the other shards.

    Without shards the graph is the same, so that derivatives of derivatives are added in the same order.
    """
    if length > STREAM or here() is not None:
        parts = gathered(torch.stack(list(parts), -1), length).unbind(-1)
    return reduce(torch.add, parts)


def _cut(x: Tensor, length: int) -> Sequence[Tensor]:
    return x.split(length, -1) if x.shape[-1] > length else [x]


def _square(x: Tensor) -> Tensor:
    return reduce(torch.add, (block @ block.mT for block in map(Tensor.double, _cut(x, BLOCK))))


def _product(x: Tensor, y: Tensor) -> Tensor:
    pairs = zip(_cut(x, BLOCK), _cut(y, BLOCK), strict=True)
    return reduce(torch.add, (one.double() @ other.double().mT for one, other in pairs))


def avg(x: Tensor) -> Tensor:
    """The Avg instruction: mean over the coordinate axis (TP4b 2.6.1).

    Blocks are summed pairwise in the dtype of ``x``, and added to each other in float64.
    """
    n = x.shape[-1]
    return x.mean(-1) if n <= BLOCK else (total(x, [-1]) / whole(n)).to(x.dtype)


def added(x: Tensor, y: Tensor) -> Tensor:
    """Sums of products of coordinates, ``x @ y.mT``, in the dtype of x; beyond a block added in float64."""
    n = x.shape[-1]
    return x @ y.mT if n <= BLOCK else (gram(x, y) * whole(n)).to(x.dtype)


def summed(x: Tensor) -> Tensor:
    """The sum over the coordinate axis, as `avg` adds."""
    return x.sum(-1) if x.shape[-1] <= BLOCK else total(x, [-1]).to(x.dtype)


def total(x: Tensor, dims: Sequence[int]) -> Tensor:
    """The sum over some axes, the last one among them, as `avg` adds; float64."""
    axes = [dim % x.dim() + 1 for dim in dims]
    whole_blocks = x.shape[-1] // BLOCK * BLOCK
    sums = x[..., :whole_blocks].unflatten(-1, (-1, BLOCK)).movedim(-2, 0).sum(axes)
    if whole_blocks < x.shape[-1]:
        sums = torch.cat([sums, x[None, ..., whole_blocks:].sum(axes)])
    return gathered(sums.movedim(0, -1).contiguous(), x.shape[-1]).double().sum(-1)
