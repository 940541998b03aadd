"""The plane of the dichotomy: maximal update at its origin, and readouts of the last state and the function."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from widthwise.experiments import build
from widthwise.experiments.dichotomy import plane
from widthwise.experiments.options import Dichotomy
from widthwise.models import MLP
from widthwise.spaces import FiniteSpace
from widthwise.theory import PRESETS, classify, equivalent
from widthwise.training import SGD, Training

EXAMPLES = np.sin(1 + np.arange(5) * (2 + np.arange(3)[:, None]))
POINTS = [("0", "0"), ("1/2", "0"), ("-1/4", "1"), ("1", "1/4")]


def tables(features: str = "0", output: str = "0", steps: int = 2) -> dict[str, object]:
    return {
        "model": MLP(depth=2),
        "training": Training(steps=steps),
        "optimizer": SGD(learning_rate=0.1),
        "options": Dichotomy(features=features, output=output),
    }


@pytest.mark.parametrize("depth", [1, 3])
def test_its_origin_is_maximal_update(depth: int) -> None:
    assert equivalent(plane(Dichotomy(), depth).exponents(depth - 1), PRESETS["mup"](depth))


@pytest.mark.parametrize(("features", "output"), POINTS)
def test_a_point_has_the_exponents_that_it_says(features: str, output: str) -> None:
    found = classify(plane(Dichotomy(features=features, output=output), 3).exponents(2))
    assert found.stable_at_initialisation
    assert found.faithful_at_initialisation
    assert found.exponents == (*[Fraction(features)] * 3, Fraction(output))
    assert found.stable == (min(Fraction(features), Fraction(output)) >= 0)


def test_it_measures_what_the_coordinate_check_does() -> None:
    here = build("dichotomy", tables("1/2", "1/4"), EXAMPLES)  # type: ignore[arg-type]
    names = ["features_first", "function_first", "features_last", "function_last"]
    assert [readout.name for readout in here.readouts] == names
    scaling = plane(Dichotomy(features="1/2", output="1/4"), 2)
    there = build("coordinate_check", tables() | {"parametrization": scaling}, EXAMPLES)  # type: ignore[arg-type]
    one, other = (each.measure(FiniteSpace(8, 2)) for each in (here, there))
    for name, twin in zip(names, ("change_2_first", "function_first", "change_2_last", "function_last"), strict=True):
        torch.testing.assert_close(one[name], other[twin])
    assert here.exact is not None
    assert [value.item() for value in here.exact().values()] == [-0.5, -0.25] * 2


def test_a_single_step_has_no_last_one_besides() -> None:
    here = build("dichotomy", tables(steps=1), EXAMPLES)  # type: ignore[arg-type]
    assert [readout.name for readout in here.readouts] == ["features_first", "function_first"]
