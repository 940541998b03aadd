"""What training holds is let go when it ends, without waiting for circles of references to be collected."""

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch

from widthwise.models import MLP
from widthwise.spaces import FiniteSpace, KetSpace, Space
from widthwise.training.api import train

INPUTS = torch.eye(3, dtype=torch.float64)
TARGETS = torch.tensor([1.0, -1.0], dtype=torch.float64)


@pytest.fixture
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_uncollected")
@pytest.mark.parametrize("space", [FiniteSpace, KetSpace])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adafactor"])
@pytest.mark.parametrize("parametrization", ["mup", "ntp"])
def test_parameters_die_with_the_last_moment(space: type[Space], optimizer: str, parametrization: str) -> None:
    model = MLP(depth=2, activation="tanh", bias_variance=0.1)
    moments = train(space(16, 2), model, INPUTS, TARGETS, optimizer=optimizer, parametrization=parametrization, steps=2)
    *_, last = moments
    held = [weakref.ref(parameter) for parameter in last.parameters]
    assert all(each() is not None for each in held)
    del moments, last, _
    assert [each() for each in held] == [None] * 5
