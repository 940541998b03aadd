"""The losses that come with widthwise, and how a user adds one: functions of outputs and targets of each example."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.sources import source_of
from widthwise.training.named_losses import Loss, LossFunction, adopt_losses, loss_names


def squared(f: Tensor, y: Tensor) -> Tensor:
    r""":math:`\frac12 \sum_k (f_k - y_k)^2`.

    Args:
        f: outputs, (replicate, input, output).
        y: targets, of the same shape or one that broadcasts to it.

    Returns:
        The loss of each example, (replicate, input).
    """
    return ((f - y) ** 2).sum(-1) / 2


def cross_entropy(f: Tensor, y: Tensor) -> Tensor:
    r""":math:`-\sum_k y_k \log p_k`, p the softmax of several outputs; :math:`\log(1 + e^{-y f})` of one.

    Args:
        f: outputs, (replicate, input, output).
        y: distributions over the outputs; 1 or -1 where there is one output.

    Returns:
        The loss of each example, (replicate, input).
    """
    if f.shape[-1] == 1:
        return -F.logsigmoid(y * f).squeeze(-1)
    return -(y * F.log_softmax(f, -1)).sum(-1)


FUNCTIONS: Mapping[str, LossFunction] = {"squared": squared, "cross_entropy": cross_entropy}


def register_loss(name: str, function: LossFunction) -> Loss:
    """Make a loss of one's own known to this process and the workers it starts.

    It is tried with one output and with three, and must do for one of them; its code belongs to the identity of a run.

    Args:
        name: what ``training.loss`` will say.
        function: ``function(f, y)`` gives for outputs and targets (replicate, input, output) the loss of each example
            (replicate, input), differentiable by torch.

    Returns:
        The loss.

    Raises:
        SpecError: the name is taken, or the function does not give one finite number for each example, a function of
            that example alone, with a derivative.
    """
    if name in loss_names():
        message = f"register_loss: {name!r} is taken; choose another name"
        raise SpecError(message)
    wrong = [_wrong(function, outputs) for outputs in (1, 3)]
    if all(wrong):
        message = f"register_loss: {name!r} {wrong[0]}; write it in torch operations that act on each example alone"
        raise SpecError(message)
    own = Loss(name=name, function=function, source=source_of(function))
    adopt_losses([own])
    return own


def _wrong(function: LossFunction, outputs: int) -> str:
    """What is wrong with a loss of so many outputs; nothing if it is one."""
    f = torch.linspace(-1.3, 1.9, 6 * outputs, dtype=torch.float64).reshape(2, 3, outputs).requires_grad_()
    labels = torch.arange(6).reshape(2, 3)
    y = F.one_hot(labels % 3, 3).double() if outputs == 3 else (2.0 * (labels % 2) - 1).double()[..., None]
    try:
        value = function(f, y)
        if value.shape != f.shape[:2] or value.dtype != f.dtype or not bool(value.isfinite().all()):
            return "does not give one finite number for each example, of the dtype of the outputs"
        rest = function(f[1:, 1:], y[1:, 1:])
    except Exception as error:
        return f"raises {type(error).__name__} for outputs (replicate, input, output)"
    if rest.shape != (1, 2) or not torch.allclose(rest, value[1:, 1:], rtol=1e-12):
        return "does not act on each example alone"
    if not value.requires_grad or not bool(torch.autograd.grad(value.sum(), f)[0].isfinite().all()):
        return "has no finite derivative by torch"
    return ""
