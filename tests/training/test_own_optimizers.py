"""A user's own update function: any entrywise function of the history, and nothing else."""

from collections.abc import Callable, Sequence

import pytest
import torch
from optimizer_twins import gradients
from torch import Tensor

import widthwise
from widthwise.errors import SpecError
from widthwise.training import (
    OPTIMIZERS,
    Momentum,
    adopt_optimizers,
    last_update,
    optimizer,
    optimizer_names,
    options_named,
    registered_optimizers,
    updates,
)
from widthwise.training.own import own_optimizer, register_optimizer


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.training.named_optimizers._REGISTERED", {})


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


def test_a_registered_function_is_an_optimizer_with_the_shared_options(monkeypatch: pytest.MonkeyPatch) -> None:
    own = widthwise.register_optimizer("mine", bounded)
    options = options_named("mine").model_validate({"name": "mine", "learning_rate": 0.5, "clip": 2.0})
    assert (options.name, options.learning_rate, options.clip, options.linear) == ("mine", 0.5, 2.0, False)
    history = gradients(4, 2, 3)
    torch.testing.assert_close(last_update(optimizer(options), history), bounded(history))
    assert optimizer_names() == [*OPTIMIZERS, "mine"]
    assert "torch.tanh(history[-1])" in own.source
    monkeypatch.setattr("widthwise.training.named_optimizers._REGISTERED", {})
    with pytest.raises(ValueError, match="'mine' is not registered"):
        options_named("mine").model_validate({"name": "mine"})
    adopt_optimizers([own])
    assert registered_optimizers() == (own,)
    torch.testing.assert_close(last_update(optimizer(options), history), bounded(history))


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("adam", bounded, "^register_optimizer: 'adam' is taken; choose another name$"),
        ("mine", lambda history: history[-1].cumsum(0), "^register_optimizer: 'mine' is not entrywise; write it in"),
    ],
)
def test_what_cannot_be_registered(name: str, function: Callable[[Sequence[Tensor]], Tensor], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        register_optimizer(name, function)
    assert not registered_optimizers()


def test_a_name_is_registered_once() -> None:
    register_optimizer("mine", bounded)
    with pytest.raises(SpecError, match="'mine' is taken"):
        register_optimizer("mine", falling)
