"""What several update functions are made of: states of zeros, quotients."""

from collections.abc import Callable

import torch
from torch import Tensor

from widthwise.training.optimizer import State


def zeros(count: int) -> Callable[[Tensor], State]:
    """``init`` of so many tensors that are 0 before the first step, scalars since they broadcast."""
    return lambda gradient: (gradient.new_zeros(()),) * count


def over_root(x: Tensor, squares: Tensor, epsilon: float, smooth: bool) -> Tensor:
    """``x / (sqrt(squares) + epsilon)`` as torch, ``x / sqrt(squares + epsilon^2)`` as TP4b if smooth."""
    return over(x, (squares + epsilon**2).sqrt() if smooth else squares.sqrt() + epsilon, epsilon)


def over(x: Tensor, denominator: Tensor, epsilon: float) -> Tensor:
    """``x / denominator``, where an epsilon too small to keep it above 0 leaves x wherever it is 0.

    An entry whose gradients were all 0, as those of a relu may be, then has the update 0.
    """
    if epsilon**2 < torch.finfo(denominator.dtype).tiny:
        denominator = denominator.masked_fill(denominator == 0, 1.0)
    return x / denominator
