"""The coordinate check: what it measures is what a dense network does, and what it predicts it says by name."""

import numpy as np
import pytest
import torch

from widthwise.errors import SpecError
from widthwise.experiments import EXPERIMENTS, Experiment, build
from widthwise.experiments.parts import parts
from widthwise.models import GRU, MLP, RNN, Architecture, Autoencoder, ResNet, Transformer
from widthwise.sections import Section
from widthwise.spaces import FiniteSpace
from widthwise.spec import load_spec
from widthwise.training import SGD, Adam, AdamW, Scaling, Training
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import Initial

OUTPUTS = 2
EXAMPLES = np.sin(1 + np.arange(4 + OUTPUTS) * (2 + np.arange(3)[:, None]))


def check(
    model: Architecture | None = None,
    optimizer: OptimizerOptions | None = None,
    scaling: Scaling | None = None,
    **training: object,
) -> Experiment:
    tables: dict[str, Section] = {
        "model": model or MLP(depth=2, activation="relu"),
        "training": Training.model_validate({"steps": 3, "outputs": OUTPUTS} | training),
        "optimizer": optimizer or SGD(learning_rate=0.1),
        "parametrization": scaling or Scaling(),
    }
    return build("coordinate_check", tables, EXAMPLES)


def predicted(experiment: Experiment) -> dict[str, float]:
    """Powers by name, without those of which nothing is known."""
    assert experiment.exact is not None
    return {name: value.item() for name, value in experiment.exact().items() if not np.isnan(value)}


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(
    "model", [MLP(depth=3, bias_variance=0.1), RNN(steps=2), ResNet(depth=2)], ids=lambda m: m.name
)
def test_readouts_are_as_declared_and_listed(model: Architecture, steps: int) -> None:
    experiment = check(model, steps=steps)
    values = experiment.measure(FiniteSpace(8, 3))
    assert list(values) == [readout.name for readout in experiment.readouts]
    assert all(value.shape == (3,) and value.isfinite().all() for value in values.values())
    assert all(readout.size and readout.shape == () for readout in experiment.readouts)
    assert experiment.exact is not None
    assert list(experiment.exact()) == list(values)
    listed = [name.split("*") for name, _ in EXPERIMENTS["coordinate_check"].readouts]
    for name in values:
        assert any(name.startswith(parts[0]) and name.endswith(parts[-1]) for parts in listed)
    assert any(name.endswith("_last") for name in values) == (steps > 1)


def test_sizes_are_those_of_a_step_written_out() -> None:
    """One layer, f = avg(v h), h = W x / sqrt(features), loss (f - y)^2 / 2, from f = 0.

    Q sees v g^T with g = -mean(y_i x_i) / sqrt(features), and h_i moves by -eta v (g x_i) / sqrt(features).
    """
    model, rate = MLP(depth=1, activation="identity"), 0.5
    experiment = check(model, SGD(learning_rate=rate), steps=1, outputs=1)
    found = {name: value.item() for name, value in experiment.measure(FiniteSpace(9, 1, dtype=torch.float64)).items()}
    x, y = EXAMPLES[:, :-1], EXAMPLES[:, -1]
    features = x.shape[1]
    g = -(y @ x) / 3 / features**0.5
    ratio = rate * rms(x @ g / features**0.5) / rms(g)
    assert found["change_1_first"] / found["update_input_1_first"] == pytest.approx(ratio)
    assert found["change_readout_first"] == found["change_1_first"]
    assert found["function_first"] > 0
    assert set(found) == {readout.name for readout in experiment.readouts}


def rms(values: np.ndarray) -> float:
    return float(np.square(values).mean() ** 0.5)


def test_of_several_steps_the_first_is_measured_too() -> None:
    several, one = (check(steps=steps).measure(FiniteSpace(8, 2)) for steps in (3, 1))
    for name, value in one.items():
        torch.testing.assert_close(several[name], value)


def test_a_network_that_moves_nowhere_has_changes_of_size_0() -> None:
    """Output weights that begin at 0: at the first step no error signal reaches the features."""
    experiment = check(scaling=Scaling(initial=Initial(output=0.0)), steps=2)
    found = experiment.measure(FiniteSpace(8, 2))
    for name in ("change_1_first", "change_readout_first", "update_input_1_first", "function_start"):
        assert not found[name].any()
    assert found["function_first"].all()
    assert found["change_1_last"].all()
    assert not [name for name in predicted(experiment) if name.endswith("_first")]


def test_powers_are_those_of_practice() -> None:
    """Adam in the standard parametrization: hidden layers explode by n; nothing is said of what lies above."""
    found = predicted(check(MLP(depth=3), Adam(), Scaling(preset="sp")))
    assert {name: found[name] for name in found if name.startswith("change")} == {
        "change_1_first": 0.0,
        "change_2_first": 1.0,
    }
    assert found["update_input_2_first"] == -0.5
    assert "function_first" not in found
    mup = predicted(check(MLP(depth=3), Adam()))
    assert mup.pop("function_start") == -0.5
    assert set(mup.values()) == {0.0}
    assert len(mup) == len(check(MLP(depth=3), Adam()).readouts) - 1


@pytest.mark.parametrize(
    ("optimizer", "known"),
    [
        (Adam(), True),
        (Adam(epsilon=1e-2, smooth=True), False),
        (SGD(normalise=True), True),
        (SGD(clip=1.0), False),
    ],
    ids=str,
)
def test_what_an_update_function_makes_of_small_gradients_decides_what_is_known(
    optimizer: OptimizerOptions, known: bool
) -> None:
    """In the standard parametrization gradients vanish, and what is no multiple of them may or may not."""
    found = predicted(check(optimizer=optimizer, scaling=Scaling(preset="sp")))
    assert found["update_input_1_first"] == -0.5
    assert ("change_1_first" in found) == known


@pytest.mark.parametrize(("activation", "known"), [("relu", 2), ("tanh", 1), ("sigmoid", 1)])
def test_an_activation_decides_how_far_powers_go(activation: str, known: int) -> None:
    """Input weights larger than they should be by n^1/2: of a bounded activation only its input is a power."""
    exploding = Scaling(a=("0", "0", "1"), b=("-1/2", "1/2", "0"), c=("0", "1", "0"), d=("1", "1", "1"))
    found = predicted(check(MLP(depth=2, activation=activation), scaling=exploding))
    assert [name for name in found if name.startswith("state")] == [f"state_{index + 1}" for index in range(known)]
    vanishing = exploding.model_copy(update={"b": ("1/2", "1/2", "0")})
    found = predicted(check(MLP(depth=2, activation=activation), scaling=vanishing))
    assert ("state_2" in found) == (activation != "sigmoid")


def test_decay_takes_features_with_it() -> None:
    found = predicted(check(optimizer=AdamW(), scaling=Scaling(preset="ntp")))
    assert {found[f"{name}_{word}"] for name in ("change_1", "function") for word in ("first", "last")} == {0.0}


def test_parts_are_what_the_states_depend_on() -> None:
    """A layer has weights and biases; a recurrent net has one matrix from the second state on."""
    found = parts(MLP(depth=2, bias_variance=0.1), 3)
    assert [(part.layer, part.is_bias) for part in found.parameters] == [(0, False), (0, True), (1, False), (0, True)]
    assert found.reached == (frozenset({0, 1}), frozenset({0, 1, 2, 3}))
    recurrent = parts(RNN(steps=3), 6)
    hidden = {index for index, part in enumerate(recurrent.parameters) if part.layer}
    assert len(hidden) == 1
    assert [bool(hidden & reached) for reached in recurrent.reached] == [False, True, True]


@pytest.mark.parametrize("preset", ["mup", "ntp"])
@pytest.mark.parametrize(
    "model", [GRU(steps=2), ResNet(depth=2), Autoencoder(), Transformer(positions=2)], ids=lambda m: m.name
)
def test_other_architectures_move_as_predicted(model: Architecture, preset: str) -> None:
    """Slopes between widths 64 and 512, 16 trials each: errors below 0.04, five of them."""
    experiment = check(model, Adam(learning_rate=0.01), Scaling.model_validate({"preset": preset}), steps=2)
    narrow, wide = (experiment.measure(FiniteSpace(n, 16, seed=n)) for n in (64, 512))
    found = predicted(experiment)
    assert {"change_readout_first", "function_last"} <= found.keys()
    for name, power in found.items():
        slope = (wide[name].square().mean() / narrow[name].square().mean()).log().item() / 2 / np.log(8)
        assert abs(slope - power) < 0.2, (name, slope, power)


def test_there_is_no_limit_to_set() -> None:
    with pytest.raises(SpecError, match=r"^limit: has no meaning for the experiment coordinate_check; leave the table"):
        load_spec({"experiment": "coordinate_check", "limit": {"samples": 64}})
