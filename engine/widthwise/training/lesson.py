"""Lesson: what a network is to learn, and in which batches."""

from dataclasses import dataclass

import torch
from torch import Tensor

from widthwise.training.named_losses import LossFunction


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesson:
    """What a network is to learn.

    Attributes:
        inputs: (input, feature), those that are trained on first.
        targets: (input, output), of those that are trained on.
        loss: of each example, ``loss(f, y)``; the mean over a batch is descended.
        steps: how many.
        batch: each step sees so many examples, the next ones in their order, over and over; None for all.
        centred: whether the initial output is subtracted.
    """

    inputs: Tensor
    targets: Tensor
    loss: LossFunction
    steps: int
    batch: int | None = None
    centred: bool = True

    def chosen(self, t: int) -> Tensor:
        """The examples of step t."""
        count = len(self.targets)
        size = self.batch or count
        return (torch.arange(size) + t * size) % count

    def loss_of(self, outputs: Tensor) -> Tensor:
        """The mean loss over the examples that are trained on, for outputs of all inputs, (replicate,)."""
        return self.loss(outputs[:, : len(self.targets)], self.targets.to(outputs)).mean(1)

    def slopes(self, outputs: Tensor, chosen: Tensor) -> Tensor:
        """Derivatives of the mean loss over chosen examples by their outputs, (replicate, input, output)."""
        f = outputs[:, chosen].detach().requires_grad_()
        (slopes,) = torch.autograd.grad(self.loss(f, self.targets[chosen].to(f)).mean(1).sum(), f)
        return slopes
