"""Gradients of one parameter at several steps, as outer products, and the rule by which it moves."""

import torch
from optimizer_twins import gradients
from torch import Tensor

from widthwise.training import OPTIMIZERS, Constant, Schedule
from widthwise.training.gradient import Gradient
from widthwise.training.move import Move

STEPS, ROWS, COLUMNS = 4, 5, 7


def made(steps: int = STEPS, *, rows: int = ROWS, columns: int = COLUMNS, scale: float = 0.3) -> list[Gradient]:
    """Of two replicates, of two terms and then three."""
    return [
        Gradient(
            left=gradients(1, 2, 2 + t % 2, rows, seed=2 * t)[0],
            right=gradients(1, 2, 2 + t % 2, columns, seed=2 * t + 1)[0],
            scale=scale,
        )
        for t in range(steps)
    ]


def entries(gradient: Gradient) -> Tensor:
    """All of one, (replicate, row, column)."""
    return gradient.scale * gradient.left.mT @ gradient.right


def move(name: str, schedule: Schedule | None = None, **table: object) -> Move:
    """Of weights of size 2, at a learning rate of 0.1."""
    options = OPTIMIZERS[name].model_validate({"learning_rate": 0.1, **table})
    size = torch.tensor([2.0, 0.5], dtype=torch.float64)[:, None, None]
    return Move(options=options, schedule=schedule or Constant(), constant=0.7, weight_size=lambda: size)
