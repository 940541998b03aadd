"""Powers and constants: the symmetry of parametrizations is exact, in the limit what vanishes is 0."""

from collections.abc import Sequence

import pytest
import torch

from widthwise.models import MLP
from widthwise.spaces import FiniteSpace, KetSpace, Space
from widthwise.theory import PRESETS, Parametrization, shifted
from widthwise.training import OPTIMIZERS, Scaling, loss
from widthwise.training.lesson import Lesson
from widthwise.training.loop import train
from widthwise.training.network import of_architecture
from widthwise.training.rule import Rule

MODEL = MLP(depth=3, bias_variance=0.2, ratios=(0.5, 2.0))


def written(parametrization: Parametrization) -> Scaling:
    exponents = {key: tuple(str(getattr(layer, key)) for layer in parametrization.layers) for key in "abcd"}
    return Scaling.model_validate(exponents)


def outputs(space: Space, scaling: Scaling, name: str, **table: object) -> torch.Tensor:
    lesson = Lesson(
        inputs=torch.eye(3, dtype=torch.float64),
        targets=torch.tensor([[1.0], [-1.0]], dtype=torch.float64),
        loss=loss("squared"),
        steps=4,
        centred=False,
    )
    options = OPTIMIZERS[name].model_validate({"learning_rate": 0.1, **table})
    moments = train(space, of_architecture(MODEL), lesson, Rule(optimizer=options, scaling=scaling))
    return torch.stack([moment.outputs for moment in moments], 1)


@pytest.mark.parametrize("name", ["momentum", "adam", "adafactor"])
@pytest.mark.parametrize("shifts", [["1/2", "-1/3", 1], [-1, 2, "1/4"]])
@pytest.mark.parametrize("preset", ["mup", "ntp", "sp"])
def test_parametrizations_that_differ_by_a_shift_train_alike(preset: str, shifts: Sequence[str], name: str) -> None:
    """At width 16 to rounding, in every layer by t: (a + t, b - t, c - t, d + t) (TP4b 2.5)."""
    theirs = shifted(PRESETS[preset](3), shifts)
    table = {"epsilon": 1e-3, "weight_decay": 0.1} if name != "momentum" else {}
    first, second = (
        outputs(FiniteSpace(16, 2, dtype=torch.float64), scaling, name, **table)
        for scaling in (written(PRESETS[preset](3)), written(theirs))
    )
    torch.testing.assert_close(first, second, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("preset", ["mup", "ntp"])
def test_so_do_their_limits(preset: str) -> None:
    first, second = (
        outputs(KetSpace(64, 2, dtype=torch.float64), written(each), "adam", epsilon=1e-3)
        for each in (PRESETS[preset](3), shifted(PRESETS[preset](3), [1, "1/2", "-1/2"]))
    )
    torch.testing.assert_close(first, second, rtol=1e-8, atol=1e-8)


def test_of_linear_optimizers_only_c_minus_d_matters() -> None:
    """At finite width, and in the limit, where d is that which is faithful."""
    exponents = {"a": (0, 0, 1), "b": (0, "1/2", 0), "c": (0, 1, 0), "d": (1, 1, 1)}
    other = {**exponents, "c": ("-1", "0", "-1"), "d": (0, 0, 0)}
    for space in (lambda: FiniteSpace(16, 2, dtype=torch.float64), lambda: KetSpace(64, 2, dtype=torch.float64)):
        first, second = (outputs(space(), Scaling.model_validate(each), "nesterov") for each in (exponents, other))
        torch.testing.assert_close(first, second)


def test_output_weights_that_begin_smaller_begin_at_0_in_the_limit() -> None:
    """The limit of SGD with b = 1/2 in place of 0 is that of output weights that are 0."""
    smaller = {"a": (0, 0, 1), "b": (0, "1/2", "1/2"), "c": (0, 1, 0), "d": (1, 1, 1)}
    first = outputs(KetSpace(64, 2, dtype=torch.float64), Scaling.model_validate(smaller), "sgd")
    second = outputs(KetSpace(64, 2, dtype=torch.float64), Scaling.model_validate({"initial": {"output": 0}}), "sgd")
    torch.testing.assert_close(first, second)
    assert not first[:, 0].any()
    assert first[:, -1].any()
