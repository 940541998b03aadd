"""Any architecture trains to its maximal-update limit: skip connections, attention, layer norm, weights used twice."""

from dataclasses import replace

import pytest
import torch
from trajectories_at_width import Course, assert_approaches, assert_learnt, course, inputs, network

from widthwise.errors import SpecError
from widthwise.experiments import EXPERIMENTS, build
from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.training import SGD, Scaling, Training

NETWORKS: dict[str, tuple[dict[str, object], float]] = {
    "resnet": ({"name": "resnet", "depth": 3, "bias_variance": 0.1}, 0.2),
    "resnet with tied weights": ({"name": "resnet", "depth": 3, "tied": True}, 0.2),
    "layer norm": ({"name": "layer_norm", "depth": 2}, 0.2),
    "transformer": ({"name": "transformer", "positions": 2, "shared_keys": True, "ratio": 1.0, "epsilon": 0.1}, 1.0),
    "conv1d": ({"name": "conv1d", "positions": 4, "bias_variance": 0.1}, 0.5),
    "graph": ({"name": "graph", "nodes": 4, "edges": ((0, 1), (1, 2), (1, 3))}, 0.5),
    "rnn": ({"name": "rnn", "steps": 2, "bias_variance": 0.1}, 0.2),
    "gru": ({"name": "gru", "steps": 2, "weight_variance": 4.0}, 1.0),
    "lstm": ({"name": "lstm", "steps": 2, "weight_variance": 4.0, "bias_variance": 0.1}, 2.0),
    "tied autoencoder": ({"name": "autoencoder"}, 0.3),
}
"""With a learning rate of gradient descent."""

ADAM: dict[str, object] = {"name": "adam", "learning_rate": 0.1, "epsilon": 0.03, "smooth": True}
STEPS = 4


def descent(name: str) -> Course:
    model, rate = NETWORKS[name]
    return course(model, {"name": "sgd", "learning_rate": rate}, steps=STEPS)


def adam(name: str) -> Course:
    return course(NETWORKS[name][0], ADAM, steps=STEPS)


def assert_trains_to_its_limit(taken: Course, widths: dict[int, int], samples: int) -> None:
    """The slope of the distance at 99.9 %, the outputs of all steps at the largest width; and something is learnt."""
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    assert_approaches(values, list(widths), taken.outputs(KetSpace(samples, 8)))
    assert_learnt(taken.losses(KetSpace(1 << 8, 2)), to=0.95)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("conv1d", "graph", "gru")])
def test_gradient_descent(name: str) -> None:
    assert_trains_to_its_limit(descent(name), {64: 32, 128: 24, 256: 16}, 1 << 9)


@pytest.mark.parametrize("name", ["resnet", "layer norm", "rnn", "tied autoencoder"])
def test_adam(name: str) -> None:
    assert_trains_to_its_limit(adam(name), {64: 32, 128: 24, 256: 16}, 1 << 9)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("how", [descent, adam])
def test_up_to_width_512(how: type[Course], name: str) -> None:
    assert_trains_to_its_limit(how(name), {64: 48, 256: 24, 512: 12}, 1 << 10)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize("name", ["transformer", "lstm", "layer norm"])
def test_single_precision_is_enough(name: str) -> None:
    """The same numbers drawn: rounding moves the outputs by less than a fiftieth of what the width does."""
    taken = descent(name)
    single, double = (taken.outputs(FiniteSpace(96, 2, dtype=dtype)) for dtype in (torch.float32, torch.float64))
    assert (single - double).abs().max() < 3e-3 * double.abs().max()
    single, double = (taken.outputs(KetSpace(1 << 8, 2, dtype=dtype)) for dtype in (torch.float32, torch.float64))
    assert (single - double).abs().max() < 1e-2 * double.abs().max()


BATCH_NORM: dict[str, object] = {"name": "batch_norm", "depth": 2, "activation": "gelu", "epsilon": 0.1}


@pytest.mark.parametrize("others", [0, 2])
def test_batch_norm_over_whole_batches(others: int) -> None:
    """Those that are trained on are normalised together, and so are the others."""
    taken = course(BATCH_NORM, {"name": "sgd", "learning_rate": 0.3}, steps=STEPS, samples=inputs(5))
    targets = torch.linspace(1.0, -0.8, 5 - others, dtype=torch.float64)[:, None]
    lesson = replace(taken.lesson, targets=targets)
    assert_trains_to_its_limit(replace(taken, lesson=lesson), {64: 48, 128: 32, 256: 24}, 1 << 10)


@pytest.mark.parametrize(
    ("training", "parametrization", "message"),
    [
        ({"batch": 2}, {}, r"^training.batch: 2 of 6 inputs is not allowed for model.name = 'batch_norm', whose"),
        ({"train": 5}, {}, r"^training.train: 5 of 6 inputs are trained on, but model.name = 'batch_norm' normalises"),
        ({}, {"preset": "ntp"}, "^model.name: 'batch_norm' has no operator: "),
    ],
    ids=["minibatches", "one other", "operator"],
)
@pytest.mark.parametrize("experiment", ["mup_training", "ntk_training"])
def test_batch_norm_over_anything_else_is_refused(
    experiment: str, training: dict[str, object], parametrization: dict[str, object], message: str
) -> None:
    rows = torch.cat([inputs(6), torch.ones(6, 1)], 1).numpy()
    tables = {
        "model": network(BATCH_NORM),
        "training": Training.model_validate(training),
        "optimizer": SGD(),
        "parametrization": Scaling.model_validate(parametrization),
        "options": EXPERIMENTS[experiment].options(),
    }
    with pytest.raises(SpecError, match=message) as caught:
        build(experiment, tables, rows)
    assert "\n" not in str(caught.value)
