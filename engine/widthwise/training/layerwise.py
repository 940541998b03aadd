"""From an update to the weights of a layer: clipping, normalisation, relative sizes, decoupled decay."""

from collections.abc import Callable

import torch
from torch import Tensor

from widthwise.training.options import OptimizerOptions


def rms(entries: Tensor) -> Tensor:
    r"""The size of updates or weights of one layer: their Frobenius norm over the root of the number of entries.

    It is Theta(1) where entries are; the norm itself is Theta(n) of matrix-like, Theta(n^1/2) of vector-like and
    Theta(1) of scalar-like parameters. In the limit it is a scalar of the program, :math:`\sqrt{E[Q^2]}`.

    Args:
        entries: all of the layer, (replicate, ...).

    Returns:
        (replicate, 1, ..., 1).

    Source:
        TP4b (2308.01814) 2.10.2.
    """
    squares = (entries * entries).reshape(entries.shape[0], -1)
    return squares.mean(1).sqrt().reshape(-1, *(1 for _ in entries.shape[1:]))


def factor(
    options: OptimizerOptions, t: int, update_size: Callable[[], Tensor], weight_size: Callable[[], Tensor]
) -> Tensor | float:
    """What the update of a layer is multiplied by at step t: 1, or what ``clip``, ``normalise``, ``relative`` say.

    Args:
        options: of the optimizer.
        t: the step, from 0.
        update_size: gives the `rms` of the update; asked only if the options need it.
        weight_size: that of the weights before they move, in units in which it is Theta(1) (n^b w); likewise.

    Returns:
        A number, or a tensor in the shape of the sizes. An update of size 0 is not divided by it.
    """
    product: Tensor | float = 1.0
    if options.clip is not None:
        product = 1 / (update_size() / options.clip).clamp(min=1)
    if options.normalise:
        size = update_size()
        product = 1 / torch.where(size > 0, size, 1)
    if options.relative is not None:
        product = product * weight_size().clamp(min=options.relative)
    if options.rate_capped:
        product = product * min(1.0, (t + 1) ** -0.5 / options.learning_rate)
    return product


def moved(weights: Tensor, update: Tensor, *, rate: Tensor | float, decay: float = 0.0) -> Tensor:
    r"""Weights after a step, :math:`(1 - decay)\,w - rate\,Q`.

    Args:
        weights: of any shape.
        update: that broadcasts to it.
        rate: the learning rate of the layer at this step, :math:`\eta_t n^{-c}`, times `factor`.
        decay: :math:`\lambda \eta_t`, which does not depend on the width.

    Source:
        TP4b (2308.01814) 2.10.3; 1711.05101.
    """
    return (1 - decay) * weights - rate * update
