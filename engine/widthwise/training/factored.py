"""Adafactor: second moments as a product of averages over rows and over columns, which the caller gives."""

import torch
from torch import Tensor

from widthwise.training.optimizer import MeanSquares, Optimizer, State
from widthwise.training.options import Adafactor
from widthwise.training.parts import over, zeros


def of_entries(gradient: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
    """`MeanSquares` of gradients with all their entries, shape (..., row, column)."""
    squares = gradient * gradient
    rows = squares.mean(-1, keepdim=True)
    return rows, squares.mean(-2, keepdim=True), rows.mean(-2, keepdim=True)


def adafactor(options: Adafactor, mean_squares: MeanSquares | None = None) -> Optimizer:
    """See `Adafactor`; without ``mean_squares`` it is entrywise."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        fresh = mean_squares(gradient, t) if mean_squares else (gradient * gradient,)
        share = (t + 1) ** options.beta2_decay
        state = tuple(torch.lerp(mean, each, share) for mean, each in zip(state, fresh, strict=True))
        return _over_moments(gradient, _second_moments(state, options.epsilon), options), state

    return Optimizer(init=zeros(3 if mean_squares else 1), step=step)


def _second_moments(state: State, epsilon: float) -> Tensor:
    if len(state) == 1:
        return state[0]
    rows, columns, whole = state
    return over(rows * columns, whole.clamp(min=epsilon), epsilon)


def _over_moments(gradient: Tensor, squares: Tensor, options: Adafactor) -> Tensor:
    epsilon = options.epsilon
    root = (squares + epsilon**2).sqrt() if options.smooth else squares.sqrt().clamp(min=epsilon)
    return over(gradient, root, epsilon)
