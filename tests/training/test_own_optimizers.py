"""A user's own update function: any entrywise function of the history, and nothing else."""

from collections.abc import Callable, Sequence

import pytest
import torch
from optimizer_twins import gradients
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.training import Momentum, last_update, optimizer, updates
from widthwise.training.own import own_optimizer


def falling(history: Sequence[Tensor]) -> Tensor:
    """Momentum, out of the whole history."""
    return sum((0.9 ** (len(history) - 1 - s) * g for s, g in enumerate(history)), torch.zeros(()))


def bounded(history: Sequence[Tensor]) -> Tensor:
    return torch.tanh(history[-1]) / (1 + sum((g * g for g in history), torch.zeros(()))).sqrt()


def test_momentum_by_its_formula_is_momentum() -> None:
    history = gradients(6, 4, 3)
    for own, built_in in zip(
        updates(own_optimizer(falling), history), updates(optimizer(Momentum()), history), strict=True
    ):
        torch.testing.assert_close(own, built_in)


def test_steps_and_the_function_of_the_history_agree() -> None:
    history = gradients(5, 2, 3)
    own = own_optimizer(bounded)
    state = own.init(history[0])
    for t, gradient in enumerate(history):
        update, state = own.step(state, gradient, t)
        torch.testing.assert_close(update, bounded(history[: t + 1]))
        torch.testing.assert_close(last_update(own, history[: t + 1]), update)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda history: history[-1] / history[-1].norm(), "is not entrywise"),
        (lambda history: history[0] - history[-1].mean(), "is not entrywise"),
        (lambda history: history[-1].cumsum(0), "is not entrywise"),
        (lambda history: history[-1] / history[-1].abs(), "does not map finite numbers, zeros too"),
        (lambda history: history[-1].sum(), "does not map .* same shape and dtype"),
        (lambda history: history[-1].float(), "does not map .* same shape and dtype"),
    ],
)
def test_what_is_no_update_function_is_refused(function: Callable[[Sequence[Tensor]], Tensor], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        own_optimizer(function)
    assert "\n" not in str(caught.value)
