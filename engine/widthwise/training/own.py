"""A user's own update function: one function of all past gradients, which must be entrywise."""

import torch
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.sources import source_of
from widthwise.training.named_optimizers import OwnUpdate, UpdateFunction, adopt_optimizers, optimizer_names
from widthwise.training.optimizer import Optimizer, State


def register_optimizer(name: str, function: UpdateFunction) -> OwnUpdate:
    """Make an update function of one's own an optimizer of this process and the workers it starts.

    Its code belongs to the identity of a run.

    Args:
        name: what ``optimizer.name`` will say; the keys that all optimizers share stand beside it.
        function: as `own_optimizer` takes it.

    Returns:
        The update function with its code.

    Raises:
        SpecError: the name is taken, or the function is not entrywise, or does not map finite numbers to finite ones.
    """
    if name in optimizer_names():
        message = f"register_optimizer: {name!r} is taken; choose another name"
        raise SpecError(message)
    _check(function, f"register_optimizer: {name!r}")
    own = OwnUpdate(name=name, function=function, source=source_of(function))
    adopt_optimizers([own])
    return own


def own_optimizer(function: UpdateFunction) -> Optimizer:
    """An optimizer out of an update function; its state is the history.

    Args:
        function: of a sequence of tensors of one shape, any shape; acts on each entry alone, in torch operations::

            own_optimizer(lambda gradients: torch.tanh(gradients[-1]) + 0.5 * sum(gradients))

    Raises:
        SpecError: the function is not entrywise, or does not map finite numbers, zeros too, to finite ones.

    Source:
        TP4b (2308.01814) 2.1, where an update function is of this form.
    """
    _check(function, "own_optimizer: the function")

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        history = (*state, gradient)
        return function(history), history

    return Optimizer(init=lambda gradient: (), step=step)


def _check(function: UpdateFunction, subject: str) -> None:
    probe = torch.arange(-6, 6, dtype=torch.float64) / 3
    history = [probe, probe.flip(0), probe * probe]
    for count in range(1, len(history) + 1):
        update = function(history[:count])
        if update.shape != probe.shape or update.dtype != probe.dtype or not bool(update.isfinite().all()):
            _refuse(subject, "does not map finite numbers, zeros too, to finite numbers of the same shape and dtype")
        turned = function([gradient.reshape(3, 4).T[1:] for gradient in history[:count]])
        if not torch.allclose(turned, update.reshape(3, 4).T[1:], rtol=1e-12):
            _refuse(subject, "is not entrywise")


def _refuse(subject: str, what: str) -> None:
    message = f"{subject} {what}; write it in torch operations that act on each entry alone"
    raise SpecError(message)
