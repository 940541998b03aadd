"""Decay, clipping, normalised and relative updates, factored moments: width n approaches the limit of each."""

import pytest
import torch
from trajectories_at_width import Course, assert_approaches, assert_learnt, assert_means_agree, course

from widthwise.spaces import FiniteSpace, KetSpace

WIDTHS = {64: 48, 128: 32, 256: 24}
"""Trials by width."""

ADAM: dict[str, object] = {"name": "adam", "learning_rate": 0.1, "epsilon": 0.1, "smooth": True}
SGD: dict[str, object] = {"name": "sgd", "learning_rate": 0.3}
ADAFACTOR: dict[str, object] = {"name": "adafactor", "learning_rate": 0.1, "epsilon": 0.1, "smooth": True}

CLIPPED: dict[str, dict[str, object]] = {
    "adam, clipped": {**ADAM, "clip": 0.5},
    "momentum, clipped": {"name": "momentum", "learning_rate": 0.1, "momentum": 0.8, "clip": 0.3},
    "adam, normalised": {**ADAM, "normalise": True, "learning_rate": 0.05},
    "sgd, normalised": {**SGD, "normalise": True, "learning_rate": 0.03},
    "adam, relative": {**ADAM, "relative": 1e-3},
    "sgd, normalised and relative": {**SGD, "normalise": True, "relative": 1e-3, "learning_rate": 0.03},
    "adafactor": {**ADAFACTOR},
    "adafactor, neither clipped nor relative": {**ADAFACTOR, "clip": None, "relative": None},
}
"""Sizes are averages over all entries of a layer."""

DECAYING: dict[str, dict[str, object]] = {
    "sgd": {**SGD, "weight_decay": 0.2},
    "adamw": {**ADAM, "name": "adamw", "weight_decay": 0.5},
    "adam, relative": {**ADAM, "weight_decay": 0.5, "relative": 1e-3},
    "adafactor": {**ADAFACTOR, "weight_decay": 0.5},
}


def mlp(optimizer: dict[str, object], preset: str) -> Course:
    model: dict[str, object] = {"name": "mlp", "depth": 2, "activation": "tanh", "weight_variance": 1.5}
    return course(model, optimizer, scaling={"preset": preset})


def assert_finite_networks_approach(taken: Course) -> None:
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in WIDTHS.items()]
    assert_approaches(values, list(WIDTHS), taken.outputs(KetSpace(1 << 9, 8)))


@pytest.mark.parametrize("preset", ["mup", "ntp"])
@pytest.mark.parametrize("optimizer", CLIPPED.values(), ids=CLIPPED)
def test_resized_updates_have_a_limit(optimizer: dict[str, object], preset: str) -> None:
    taken = mlp(optimizer, preset)
    assert_finite_networks_approach(taken)
    assert_learnt(taken.losses(KetSpace(1 << 8, 2)), to=0.8)


@pytest.mark.parametrize("optimizer", DECAYING.values(), ids=DECAYING)
def test_weight_decay_has_a_limit(optimizer: dict[str, object]) -> None:
    """It changes what is learnt. For ntp see the law of outputs that begin at random, in `test_operator_limits`."""
    taken, without = mlp(optimizer, "mup"), mlp({**optimizer, "weight_decay": 0.0}, "mup")
    assert_finite_networks_approach(taken)
    with pytest.raises(AssertionError):
        assert_means_agree(taken.outputs(KetSpace(1 << 8, 8)), without.outputs(KetSpace(1 << 8, 8)))


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("preset", ["mup", "ntp"])
def test_what_clipping_never_reaches_changes_nothing(preset: str, name: str) -> None:
    plain = {**(SGD if name == "sgd" else ADAM)}
    # Of a linear optimizer that is resized d is no longer free: here it is the faithful one of both presets.
    values, clipped = (mlp(each, preset).outputs(KetSpace(1 << 8, 2)) for each in (plain, {**plain, "clip": 1e6}))
    torch.testing.assert_close(values, clipped)
    small = mlp({**plain, "clip": 1e-2}, preset).outputs(KetSpace(1 << 8, 2))
    assert small.abs().max() < 0.5 * values.abs().max()
