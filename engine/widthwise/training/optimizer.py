"""Optimizer: an update function as two functions, entrywise on tensors of any shape; scans of a history."""

import importlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widthwise.errors import ProgramError
from widthwise.training.named_optimizers import Own
from widthwise.training.options import Adafactor, OptimizerOptions

if TYPE_CHECKING:
    from torch import Tensor

State = tuple["Tensor", ...]
"""What an optimizer remembers: tensors that broadcast to the shape of a gradient."""

MeanSquares = Callable[["Tensor", int], tuple["Tensor", "Tensor", "Tensor"]]
"""``mean_squares(gradient, t)``: averages of the squared gradients of step t over a row, for each of the rows; over a
column, for each of the columns; over all. They broadcast to the gradient, which may be a tile of the whole.

In the limit they are vectors and a scalar of the program, :math:`E_b[g(a, b)^2]`, :math:`E_a[g(a, b)^2]` and
:math:`E_{ab}[g(a, b)^2]`, with :math:`E_b[g(a, b)^2] = \\sum_{ij} dh_i(a) dh_j(a) E[x_i x_j]`.
"""


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    r"""Update functions :math:`Q_t(g_0, ..., g_t)` of the gradients of one entry, step by step.

    ``init(gradient)`` is the state before the first step, for gradients of this dtype and device.
    ``step(state, gradient, t)`` is the update at step t = 0, 1, ..., in the shape of the gradient, and the next state.

    No step changes a gradient; it may write the next state over the one that it is given. An entry of the update
    depends on that entry of the gradients alone (of `Adafactor` also on averages), so that the gradients may be
    weight-shaped, or a tile of a nonlinear outer product. The learning rate and weight decay are no part of it:
    :math:`w \leftarrow (1 - \lambda\eta) w - \eta Q`.

    Source:
        TP4b (2308.01814) 2.1.
    """

    init: "Callable[[Tensor], State]"
    step: "Callable[[State, Tensor, int], tuple[Tensor, State]]"


def optimizer(options: OptimizerOptions, mean_squares: "MeanSquares | None" = None) -> Optimizer:
    """The optimizer that options stand for.

    Args:
        options: of one of `OPTIMIZERS`, or of an update function that a user registered.
        mean_squares: gives `Adafactor` the averages of a matrix-like parameter; without, its second moments are not
            factored, as those of vectors are not. Every other optimizer is entrywise and has no use for it.
    """
    home = importlib.import_module(options.home)
    if isinstance(options, Own):
        own: Optimizer = home.own_optimizer(options.function)
        return own
    build = getattr(home, options.name)
    built: Optimizer = build(options, mean_squares) if isinstance(options, Adafactor) else build(options)
    return built


def updates(optimizer: Optimizer, gradients: "Iterable[Tensor]") -> "Iterator[Tensor]":
    """The updates at steps 0, 1, ... for a history of gradients, each asked for when its turn comes."""
    state: State | None = None
    for t, gradient in enumerate(gradients):
        before = optimizer.init(gradient) if state is None else state
        update, state = optimizer.step(before, gradient, t)
        yield update


def last_update(optimizer: Optimizer, gradients: "Iterable[Tensor]") -> "Tensor":
    r"""The update at the last step of a history, :math:`Q_t(g_0, ..., g_t)`.

    Of the infinite-width limit gradients are outer products :math:`g_k(a, b) = \sum_j dh_{kj}(a) x_{kj}(b)`, made in
    tiles as they are asked for. Of a linear optimizer ``last_update(optimizer, torch.eye(t + 1))`` are the coefficients
    of the gradients in their sum.

    Args:
        optimizer: the update function.
        gradients: one for each step, of shapes that broadcast with each other.

    Raises:
        ProgramError: there is no gradient.
    """
    last = deque(updates(optimizer, gradients), maxlen=1)
    if not last:
        message = "last_update: the history is empty; give at least one gradient"
        raise ProgramError(message)
    return last[0]
