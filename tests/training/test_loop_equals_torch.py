"""At width n the training loop is plain torch: the same outputs at every step, of any optimizer and parametrization."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from dense_twin import both
from optimizer_twins import gradients, torch_twin
from torch import Tensor

from widthwise.models import MODELS
from widthwise.spaces import FiniteSpace, Holding
from widthwise.training import LOSSES, OPTIMIZERS, Cosine, OptimizerOptions, Scaling, Step, cast, loss
from widthwise.training import entrywise as tiles
from widthwise.training.lesson import Lesson
from widthwise.training.loop import train
from widthwise.training.network import Network, of_architecture
from widthwise.training.rule import Rule

STEPS = 6
RATES = {"sgd": 0.3, "momentum": 0.1, "nesterov": 0.1, "adadelta": 1.0}
"""Learning rates at which something happens; 0.05 for the others."""

MLP = {"name": "mlp", "depth": 3, "bias_variance": 0.3, "weight_variance": 1.7, "ratios": (0.5, 2.0)}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """torch.optim keeps the numbers of its steps in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def options(name: str, **table: object) -> OptimizerOptions:
    """Epsilon is large where it can be: an update of a gradient that is all but 0 has a sign that rounding decides."""
    epsilon = {} if "epsilon" not in OPTIMIZERS[name].model_fields else {"epsilon": 1e-3}
    return OPTIMIZERS[name].model_validate({"learning_rate": RATES.get(name, 0.05), **epsilon, **table})


def lesson(**changes: object) -> Lesson:
    """Six inputs of four features, the first five with targets."""
    outputs = int(str(changes.pop("outputs", 1)))
    found: dict[str, object] = {
        "inputs": gradients(1, 6, 4)[0],
        "targets": gradients(1, 5, outputs, seed=1)[0],
        "loss": loss("squared"),
        "steps": STEPS,
        **changes,
    }
    return Lesson(**found)  # type: ignore[arg-type]


def network(**table: object) -> Network:
    return of_architecture(MODELS[str(table["name"])].model_validate(table))


def assert_alike(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-8) -> None:
    """At every step; and something has happened."""
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)
    assert (ours[-1] - ours[0]).abs().max() > 0.01


@pytest.mark.parametrize("preset", ["mup", "ntp"])
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in ("sign_sgd", "adafactor")])
def test_every_optimizer_is_that_of_torch(name: str, preset: str) -> None:
    """Weights that are not those of the loop: read off a rehearsal once, moved by torch. AdamW with decay."""
    taken = options(name)
    rule = Rule(optimizer=taken, scaling=Scaling(preset=preset))  # type: ignore[arg-type]
    assert_alike(*both(network(**MLP), lesson(), rule, torch_twin(taken)))


NETWORKS: dict[str, dict[str, Any]] = {
    "mlp of one layer": {"name": "mlp", "depth": 1, "bias_variance": 0.5},
    "resnet with tied weights": {"name": "resnet", "depth": 4, "tied": True, "bias_variance": 0.2},
    "rnn": {"name": "rnn", "steps": 2, "bias_variance": 0.2},
    "gru": {"name": "gru", "steps": 2, "weight_variance": 2.0},
    "conv1d with a readout of every position": {"name": "conv1d", "positions": 4, "pooling": "flatten"},
    "transformer": {"name": "transformer", "positions": 2, "shared_keys": True, "ratio": 1.5, "epsilon": 0.1},
    "tied autoencoder": {"name": "autoencoder", "ratios": (0.5,)},
}


@pytest.mark.parametrize("name", ["momentum", "adam"])
@pytest.mark.parametrize("table", NETWORKS.values(), ids=NETWORKS)
def test_every_architecture_trains_as_in_torch(table: dict[str, Any], name: str) -> None:
    """Whether matrices are applied once or several times, to the transpose or not, at one position or at many."""
    taken = options(name)
    assert_alike(*both(network(**table), lesson(steps=4), Rule(optimizer=taken), torch_twin(taken)))


@pytest.mark.parametrize("held", ["revealed", "dense", "tiled"])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_it_does_not_matter_how_matrices_are_held(name: str, held: Holding) -> None:
    taken = options(name)
    assert_alike(*both(network(**MLP), lesson(), Rule(optimizer=taken), torch_twin(taken), held=held))


PARAMETRIZATIONS: dict[str, dict[str, Any]] = {
    "standard": {"preset": "sp"},
    "mean field": {"preset": "mean_field"},
    "uniform": {"preset": "uniform", "s": "1/3"},
    "by hand": {
        "a": ("0", "1/2", "-1/4", "1"),
        "b": ("1/2", "1/3", "1/2", "0"),
        "c": ("-1/4", "1", "1/2", "1/3"),
        "d": ("1/2", "1", "1/4", "1"),
    },
    "constants": {
        "multiplier": {"input": 0.5, "hidden": 2.0, "output": 3.0, "bias": 0.7},
        "initial": {"input": 2.0, "hidden": 0.5, "output": 0.3, "bias": 1.5},
        "rate": {"input": 2.0, "hidden": 0.5, "output": 0.25, "bias": 3.0},
        "gradient": {"input": 0.5, "hidden": 2.0, "output": 0.1, "bias": 1.5},
    },
}


@pytest.mark.parametrize("name", ["momentum", "adamw"])
@pytest.mark.parametrize("table", PARAMETRIZATIONS.values(), ids=PARAMETRIZATIONS)
def test_every_parametrization_is_its_formula(table: dict[str, Any], name: str) -> None:
    r"""Weights :math:`\alpha n^{-a} w`, moved by :math:`n^{-c} Q(n^d g)`: torch is given just that."""
    decay = {"weight_decay": 0.3} if name == "adamw" else {}
    taken = options(name, learning_rate=0.02, **decay)
    rule = Rule(optimizer=taken, scaling=Scaling.model_validate(table))
    assert_alike(*both(network(**MLP), lesson(), rule, torch_twin(taken)))


@pytest.mark.parametrize("name", ["nesterov", "adamw", "nadam"])
@pytest.mark.parametrize("schedule", [Step(every=2, factor=0.5), Cosine(steps=5, warmup=2)])
def test_classes_in_batches_with_a_schedule(name: str, schedule: Step | Cosine) -> None:
    """Two examples at a time of five, whose order they go around; the softmax of three outputs."""
    targets = torch.eye(3)[[0, 1, 2, 1, 0]]
    taken = options(name)
    lessons = lesson(targets=targets, loss=loss("cross_entropy"), batch=2)
    rule = Rule(optimizer=taken, schedule=schedule)
    assert_alike(*both(network(**MLP), lessons, rule, torch_twin(taken)))


@pytest.mark.parametrize("loss_name", LOSSES)
def test_outputs_that_are_not_centred_begin_where_the_network_does(loss_name: str) -> None:
    taken = options("adam")
    lessons = lesson(centred=False, targets=torch.tensor([1.0, -1, 1, 1, -1])[:, None], loss=loss(loss_name))
    ours, theirs = both(
        network(**MLP), lessons, Rule(optimizer=taken, scaling=Scaling(preset="ntp")), torch_twin(taken)
    )
    assert_alike(ours, theirs)
    assert ours[0].abs().max() > 0.1


def test_adafactor_is_that_of_torch() -> None:
    """Sizes of weights and rates that do not know the width are torch's where b = c = 0."""
    taken = options("adafactor", learning_rate=0.3, epsilon=1e-8, weight_decay=0.1)
    rule = Rule(optimizer=taken, scaling=Scaling(preset="mean_field"))
    plain = {**MLP, "ratios": (), "depth": 2}

    def factored(weights: list[Tensor]) -> torch.optim.Optimizer:
        return torch_twin(taken)(weights)

    assert_alike(*both(network(**plain), lesson(outputs=2), rule, factored, trials=1))


ENTRIES_BYTES = 2 * 2 * 2 * (8 * 16) * 8
"""Of the two hidden matrices of two networks, entries and room for updates."""


@pytest.mark.parametrize("name", ["adam", "adafactor", "rmsprop"])
@pytest.mark.parametrize("changes", [{}, {"normalise": True, "clip": None}, {"clip": 0.02, "relative": 0.5}])
def test_what_is_not_kept_is_made_again(name: str, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In one tile or in many, what the optimizer remembers kept or worked out again from all steps: one trajectory."""
    rule = Rule(optimizer=options(name, weight_decay=0.2, **changes))
    trajectories = []
    for at_once, kept in ((1 << 18, 1 << 32), (20, 1 << 32), (20, ENTRIES_BYTES), (1 << 18, 0), (20, 0)):
        monkeypatch.setattr(tiles, "ENTRIES_AT_ONCE", at_once)
        monkeypatch.setattr(cast, "KEPT_BYTES", kept)
        space = FiniteSpace(8, 2, dtype=torch.float64)
        trajectories.append([moment.outputs for moment in train(space, network(**MLP), lesson(), rule)])
    for other in trajectories[1:]:
        assert_alike(trajectories[0], other, 1e-10)
