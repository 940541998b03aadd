"""What several update functions are made of: states of zeros, quotients."""

from collections.abc import Callable

import torch
from torch import Tensor

from widthwise.training.optimizer import State


def zeros(count: int) -> Callable[[Tensor], State]:
    """``init`` of so many tensors that are 0 before the first step, scalars since they broadcast."""
    return lambda gradient: tuple(gradient.new_zeros(()) for _ in range(count))


def leant(mean: Tensor, new: Tensor, share: float) -> Tensor:
    """The running mean with ``share`` of a new value in it; written over the old one, unless derivatives are taken."""
    return mean.lerp_(new, share) if _is_free(mean, new) else torch.lerp(mean, new, share)


def leant_to_square(mean: Tensor, new: Tensor, share: float) -> Tensor:
    """Likewise of the square of a new value."""
    if _is_free(mean, new):
        return mean.mul_(1 - share).addcmul_(new, new, value=share)
    return torch.lerp(mean, new * new, share)


def _is_free(mean: Tensor, new: Tensor) -> bool:
    return mean.shape == new.shape and not (mean.requires_grad or new.requires_grad)


def over_root(
    x: Tensor, squares: Tensor, epsilon: float, smooth: bool, *, gathered: tuple[float, float] = (1.0, 1.0)
) -> Tensor:
    """``x / (sqrt(squares) + epsilon)`` as torch, ``x / sqrt(squares + epsilon^2)`` as TP4b if smooth.

    Of running means ``x`` and ``squares`` that have ``gathered`` so much weight, both are divided by it: one factor of
    the denominator, in the pass that adds epsilon.
    """
    epsilon, share = epsilon * gathered[0], gathered[0] / gathered[1] ** 0.5
    if smooth:
        root = torch.add(squares.new_tensor(epsilon**2), squares, alpha=share**2).sqrt_()
    else:
        root = squares.sqrt()
        root = torch.add(squares.new_tensor(epsilon), root, alpha=share, out=None if root.requires_grad else root)
    return over(x, root, epsilon)


def over(x: Tensor, denominator: Tensor, epsilon: float) -> Tensor:
    """``x / denominator``, where an epsilon too small to keep it above 0 leaves x wherever it is 0.

    An entry whose gradients were all 0, as those of a relu may be, then has the update 0.
    """
    if epsilon**2 < torch.finfo(denominator.dtype).tiny:
        denominator = denominator.masked_fill(denominator == 0, 1.0)
    return x / denominator
