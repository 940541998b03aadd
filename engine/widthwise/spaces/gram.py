"""Averages over the coordinate axis, accumulated in float64 over fixed blocks in order."""

from torch import Tensor

BLOCK = 1 << 13
"""Coordinates added at a time: their float64 copies stay in cache."""


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
    starts = range(0, x.shape[-1], BLOCK)
    total = _block_gram(x, y, 0)
    for start in starts[1:]:
        total = total + _block_gram(x, y, start)
    return total / x.shape[-1]


def _block_gram(x: Tensor, y: Tensor | None, start: int) -> Tensor:
    left = x[..., start : start + BLOCK].double()
    return left @ (left if y is None else y[..., start : start + BLOCK].double()).mT


def avg(x: Tensor) -> Tensor:
    """The Avg instruction: mean over the coordinate axis (TP4b 2.6.1), summed pairwise in the dtype of ``x``."""
    return x.mean(-1)
