"""Parametrizations that the symmetry relates have the same trajectories at every width, to rounding."""

import numpy as np
import pytest
import torch
from torch import Tensor

from widthwise.experiments.courses import course
from widthwise.models import MLP
from widthwise.spaces import FiniteSpace
from widthwise.theory import Parametrization, abcd, shifted
from widthwise.training import OPTIMIZERS, SGD, Adam, Scaling, Training
from widthwise.training.loop import train
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import ByKind, Initial

DEPTH, INPUTS, FEATURES = 3, 4, 3
MODEL = MLP(depth=DEPTH, activation="tanh", bias_variance=0.5, ratios=(2.0, 1.5))
TRAINING = Training(steps=4, train=3, batch=2, outputs=2)
EXAMPLES = np.sin(1 + np.arange(FEATURES + 2) * (2 + np.arange(INPUTS)[:, None]))
UNEVEN = abcd(
    a=[0, "1/4", 0, 1], b=["1/4", "1/2", "1/4", "1/2"], c=["1/2", 1, "3/4", "1/4"], d=[1, "1/2", 1, "3/4"], depth=DEPTH
)
CONSTANTS = {
    "multiplier": ByKind(input=0.5, hidden=2.0, output=1.5, bias=0.25),
    "initial": Initial(input=2.0, hidden=0.5, output=0.75, bias=1.5),
    "rate": ByKind(input=3.0, hidden=0.5, output=2.0, bias=0.25),
    "gradient": ByKind(input=0.5, hidden=4.0, output=0.125, bias=2.0),
}
SHIFTS = [["1/2", "-1/4", "3/4", "-1/2"], [0, 0, 0, "1/3"], ["-1", "1/4", "1", "2"]]


def trajectory(one: Parametrization, optimizer: OptimizerOptions, **constants: object) -> tuple[Tensor, Tensor]:
    """Outputs and states at every step."""
    exponents = {key: tuple(str(getattr(layer, key)) for layer in one.layers) for key in "abcd"}
    taken = course(MODEL, EXAMPLES, TRAINING, optimizer, Scaling.model_validate(exponents | constants))
    moments = list(train(FiniteSpace(24, 2, seed=3, dtype=torch.float64), taken.network, taken.lesson, taken.rule))
    states = [torch.cat([*moment.signals().states, moment.signals().readout], -1) for moment in moments]
    return torch.stack([moment.outputs for moment in moments]), torch.stack(states)


def assert_same(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> None:
    for values, others in zip(one, other, strict=True):
        assert values[-1].sub(values[0]).abs().max() > 1e-3  # something moves
        torch.testing.assert_close(values, others, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shifts", SHIFTS, ids=str)
@pytest.mark.parametrize("optimizer", [SGD(learning_rate=0.5), Adam(learning_rate=0.1)], ids=lambda each: each.name)
def test_shifts_change_nothing_whatever_the_constants(optimizer: OptimizerOptions, shifts: list[str]) -> None:
    moved = shifted(UNEVEN, shifts)
    assert_same(trajectory(UNEVEN, optimizer, **CONSTANTS), trajectory(moved, optimizer, **CONSTANTS))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_shifts_change_nothing_whatever_the_optimizer(name: str) -> None:
    """With decay too, and updates in proportion to the size of the weights."""
    optimizer = OPTIMIZERS[name].model_validate({"learning_rate": 0.1, "weight_decay": 0.5, "relative": 0.01})
    assert_same(trajectory(UNEVEN, optimizer), trajectory(shifted(UNEVEN, SHIFTS[0]), optimizer))


def test_of_gradient_descent_the_difference_of_c_and_d_alone_matters() -> None:
    """Of Adam it does not."""
    layers = UNEVEN.layers
    both = abcd(
        a=[layer.a for layer in layers],
        b=[layer.b for layer in layers],
        c=[layer.c + 1 for layer in layers],
        d=[layer.d + 1 for layer in layers],
        depth=DEPTH,
    )
    assert_same(*(trajectory(one, SGD(learning_rate=0.5)) for one in (UNEVEN, both)))
    outputs, others = (trajectory(one, Adam(learning_rate=0.1))[0] for one in (UNEVEN, both))
    assert (outputs - others).abs().max() > 1e-3


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_a_shift_of_one_exponent_alone_changes_something(key: str) -> None:
    """The tests above could not pass by ignoring exponents."""
    by_key = {each: [getattr(layer, each) for layer in UNEVEN.layers] for each in "abcd"}
    moved = abcd(**by_key | {key: [value + 1 for value in by_key[key]]}, depth=DEPTH)
    outputs, others = (trajectory(one, Adam(learning_rate=0.1))[0] for one in (UNEVEN, moved))
    assert (outputs - others).abs().max() > 1e-3
