"""Averages over the coordinate axis, accumulated in float64 over fixed blocks in order."""

from collections.abc import Sequence
from functools import reduce

import torch
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
    products = map(_square, _blocks(x)) if y is None else map(_product, _blocks(x), _blocks(y))
    return reduce(torch.add, products) / x.shape[-1]


def _blocks(x: Tensor) -> Sequence[Tensor]:
    return x.split(BLOCK, -1) if x.shape[-1] > BLOCK else [x]


def _square(x: Tensor) -> Tensor:
    precise = x.double()
    return precise @ precise.mT


def _product(x: Tensor, y: Tensor) -> Tensor:
    return x.double() @ y.double().mT


def avg(x: Tensor) -> Tensor:
    """The Avg instruction: mean over the coordinate axis (TP4b 2.6.1), summed pairwise in the dtype of ``x``."""
    return x.mean(-1)
