"""Losses: equal to torch's, and one of a user is a function of each example alone."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import widthwise
from widthwise.errors import SpecError
from widthwise.training import LOSSES, adopt_losses, loss, loss_names, registered_losses
from widthwise.training.losses import FUNCTIONS, register_loss

GENERATOR = torch.Generator().manual_seed(3)
OUTPUTS = torch.randn(2, 5, 4, generator=GENERATOR, dtype=torch.float64)
TARGETS = torch.softmax(torch.randn(2, 5, 4, generator=GENERATOR, dtype=torch.float64), -1)


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.training.named_losses._REGISTERED", {})


def hinge(f: Tensor, y: Tensor) -> Tensor:
    return (1 - y * f).clamp(min=0)[..., 0]


def test_every_name_has_a_function() -> None:
    assert list(LOSSES) == list(FUNCTIONS)
    assert all(loss(name) is function for name, function in FUNCTIONS.items())
    with pytest.raises(SpecError, match=r"^loss: 'hinge' is not known; allowed: squared, cross_entropy$"):
        loss("hinge")


def test_the_squared_loss_is_half_of_torchs() -> None:
    expected = F.mse_loss(OUTPUTS, TARGETS, reduction="none").sum(-1) / 2
    torch.testing.assert_close(loss("squared")(OUTPUTS, TARGETS), expected)
    f = OUTPUTS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss("squared")(f, TARGETS).sum(), f)
    torch.testing.assert_close(gradient, OUTPUTS - TARGETS)


def test_cross_entropy_of_several_outputs_is_torchs() -> None:
    expected = F.cross_entropy(OUTPUTS.reshape(-1, 4), TARGETS.reshape(-1, 4), reduction="none").reshape(2, 5)
    torch.testing.assert_close(loss("cross_entropy")(OUTPUTS, TARGETS), expected)
    labels = torch.tensor([0, 3, 1, 2, 2]).expand(2, 5)
    one_hot = F.one_hot(labels, 4).double()
    expected = F.cross_entropy(OUTPUTS.reshape(-1, 4), labels.reshape(-1), reduction="none").reshape(2, 5)
    torch.testing.assert_close(loss("cross_entropy")(OUTPUTS, one_hot), expected)


def test_cross_entropy_of_one_output_is_logistic() -> None:
    f, y = OUTPUTS[..., :1], torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0], dtype=torch.float64)[None, :, None]
    torch.testing.assert_close(loss("cross_entropy")(f, y), torch.log1p(torch.exp(-y * f))[..., 0])
    far = loss("cross_entropy")(torch.full((1, 1, 1), -1e4), torch.ones(1, 1, 1))
    assert far.item() == pytest.approx(1e4)


def test_one_for_all_replicates_or_for_each() -> None:
    for function in FUNCTIONS.values():
        torch.testing.assert_close(function(OUTPUTS, TARGETS[:1])[1:], function(OUTPUTS[1:], TARGETS[:1]))


def test_a_registered_loss_is_found_by_name_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    own = widthwise.register_loss("hinge", hinge)
    assert loss("hinge") is hinge
    assert registered_losses() == (own,)
    assert loss_names() == [*LOSSES, "hinge"]
    assert "(1 - y * f).clamp(min=0)" in own.source
    with pytest.raises(SpecError, match=r"^register_loss: 'hinge' is taken"):
        register_loss("hinge", hinge)
    monkeypatch.setattr("widthwise.training.named_losses._REGISTERED", {})
    adopt_losses([own])
    assert loss("hinge") is hinge


@pytest.mark.parametrize(
    "function",
    [
        lambda f, y: F.cross_entropy(f.flatten(0, 1), y.flatten(0, 1), reduction="none").reshape(f.shape[:2]),
        lambda f, y: ((f.topk(2).values - y.topk(2).values) ** 2).sum(-1),
        lambda f, y: (f[..., 0] - y[..., 0]).abs() ** 1.5,
    ],
)
def test_losses_of_one_output_or_of_several_are_accepted(function: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert register_loss("mine", function).function is function


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("squared", hinge, "'squared' is taken"),
        ("mine", lambda f, y: ((f - y) ** 2).sum(), "'mine' does not give one finite number for each example"),
        ("mine", lambda f, y: (f - y) ** 2, "does not give one finite number for each example"),
        ("mine", lambda f, y: (f - y).sum(-1).log(), "does not give one finite number"),
        ("mine", lambda f, y: (f - y).float().sum(-1), "of the dtype of the outputs"),
        ("mine", lambda f, y: (f - f.mean((0, 1)) - y).sum(-1), "does not act on each example alone"),
        ("mine", lambda f, y: (f - y).sum(-1).cumsum(1), "does not act on each example alone"),
        ("mine", lambda f, y: (f.detach() - y).sum(-1), "has no finite derivative by torch"),
        ("mine", lambda f, y: ((f - f) ** 2).sum(-1).sqrt(), "has no finite derivative by torch"),
        ("mine", lambda f, y: f @ y, "raises RuntimeError for outputs"),
        ("mine", lambda f: f, "raises TypeError for outputs"),
    ],
)
def test_what_is_no_loss_is_refused(name: str, function: Callable[[Tensor, Tensor], Tensor], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        register_loss(name, function)
    assert str(caught.value).startswith("register_loss: ")
    assert "\n" not in str(caught.value)
    assert not registered_losses()
