"""Training by a fixed kernel: closed forms, small steps and gradient flow agree."""

import pytest
import torch
from torch import Tensor

from widthwise.training import SGD, Cosine, Momentum, OptimizerOptions, loss
from widthwise.training.function_space import gradient_flow, kernel_descent
from widthwise.training.lesson import Lesson
from widthwise.training.rule import Rule

FACTOR = torch.tensor([[1.0, 0.2, -0.3], [0.1, 0.9, 0.4], [0.5, -0.2, 1.1], [0.3, 0.3, 0.3]], dtype=torch.float64)
KERNEL = FACTOR @ FACTOR.mT
Y = torch.tensor([[1.0, -0.5], [0.3, 0.2], [-1.0, 0.7]], dtype=torch.float64)


def lesson(name: str = "squared", steps: int = 12, batch: int | None = None, targets: Tensor = Y) -> Lesson:
    """Three of four inputs have targets."""
    inputs = torch.eye(4, dtype=torch.float64)
    return Lesson(inputs=inputs, targets=targets, loss=loss(name), steps=steps, batch=batch)


def flow_in_closed_form(time: float) -> Tensor:
    r""":math:`f(s) = \Theta_{\cdot t} \Theta_{tt}^{-1} (1 - e^{-s \Theta_{tt} / 3}) y`."""
    trained = KERNEL[:3, :3]
    left = torch.eye(3, dtype=torch.float64) - torch.linalg.matrix_exp(-time * trained / 3)
    return KERNEL[:, :3] @ torch.linalg.solve(trained, left @ Y)


def test_flow_is_its_closed_form() -> None:
    times = [0.0, 0.5, 2.0, 10.0]
    expected = torch.stack([flow_in_closed_form(time) for time in times])
    torch.testing.assert_close(gradient_flow(KERNEL, lesson(), times), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["squared", "cross_entropy"])
def test_small_steps_flow(name: str) -> None:
    """The distance of Euler's steps is of their length."""
    targets = torch.softmax(Y, 1) if name == "cross_entropy" else Y
    flow = gradient_flow(KERNEL, lesson(name, targets=targets), [0.0, 1.0])[-1]
    apart = []
    for steps in (100, 1000):
        taken = lesson(name, steps, targets=targets)
        apart.append(kernel_descent(KERNEL, taken, Rule(optimizer=SGD(learning_rate=1 / steps)))[-1] - flow)
    assert apart[0].abs().max() < 0.01
    torch.testing.assert_close(apart[0], 10 * apart[1], rtol=0.05, atol=1e-6)


@pytest.mark.parametrize("options", [SGD(learning_rate=0.3), Momentum(learning_rate=0.1, momentum=0.7, dampening=0.2)])
@pytest.mark.parametrize("batch", [None, 2])
def test_descent_is_that_of_a_linear_model(options: OptimizerOptions, batch: int | None) -> None:
    """The function FACTOR w, trained by torch."""
    taken, schedule = lesson(batch=batch), Cosine(steps=8)
    w = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    momentum = {key: getattr(options, key) for key in ("momentum", "dampening") if hasattr(options, key)}
    twin = torch.optim.SGD([w], lr=options.learning_rate, **momentum)
    found = kernel_descent(KERNEL, taken, Rule(optimizer=options, schedule=schedule))
    for t, outputs in enumerate(found):
        torch.testing.assert_close(FACTOR @ w.detach(), outputs)
        chosen = taken.chosen(t)
        w.grad = None
        (((FACTOR @ w)[chosen] - Y[chosen]) ** 2).sum(1).mean().div(2).backward()
        twin.param_groups[0]["lr"] = options.learning_rate * schedule(t)
        twin.step()


def test_a_flow_that_explodes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.training.function_space.EVALUATIONS", 2000)
    with pytest.raises(ArithmeticError, match="gradient_flow: "):
        gradient_flow(-KERNEL, lesson(), [1e4])
