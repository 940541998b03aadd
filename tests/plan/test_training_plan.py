"""What training costs and how it is held: entries where they move, vectors of all steps where they do not."""

import importlib
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

import widthwise
from widthwise.errors import SpecError
from widthwise.experiments import moves_entries, programs
from widthwise.plan import (
    Block,
    Cost,
    CostModel,
    calibrate,
    holdings,
    joined,
    point_inputs,
    require_memory,
    trials_at_once,
)
from widthwise.plan.batching import numbers
from widthwise.plan.cost import MOST_LIMIT_NUMBERS, _probes
from widthwise.plan.peak import PeakBytes
from widthwise.run.worker import measure_block
from widthwise.spaces import Space
from widthwise.spec import Spec, load_spec, points


def spec(optimizer: Mapping[str, object], **tables: object) -> Spec:
    table = {"experiment": "mup_training", "data": {"source": "gaussian", "count": 6}, "optimizer": optimizer}
    return load_spec({**table, **tables})


SGD, ADAM, CLIPPED = {"name": "sgd"}, {"name": "adam"}, {"name": "sgd", "clip": 1.0}


def trials(width: int) -> Block:
    return Block(kind="trials", point=0, width=width, index=0)


LIMIT = Block(kind="limit", point=0, width=0, index=0)


def test_fewer_trials_share_a_call_where_entries_move_or_many_vectors_are_kept() -> None:
    assert [trials_at_once(spec(SGD), n) for n in (1024, 4096, 2**14)] == [8, 8, 8]
    for optimizer in (ADAM, CLIPPED):
        assert [trials_at_once(spec(optimizer), n) for n in (1024, 4096, 2**14)] == [8, 1, 1]
    long = spec(SGD, training={"steps": 499})
    assert [trials_at_once(long, n) for n in (1024, 4096, 2**14)] == [8, 1, 1]


def test_probes_of_training_are_small() -> None:
    for optimizer, steps in product((SGD, ADAM), (8, 4000)):
        of = spec(optimizer, training={"steps": steps}, sweep={"width": [2**20]})
        assert numbers(of, _probes(of)[1]) <= 2**20
    assert _probes(spec(SGD, sweep={"width": [2**20]})) == (1024, 8192)
    assert _probes(spec(ADAM, sweep={"width": [2**20]})) == (128, 1024)


def recorded(asked: list[int]) -> object:
    """A stand-in for the worker: an array of float64 for each of the numbers that training works with."""

    def measure(of: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
        if block.kind == "limit":
            asked.append(of.limit.samples)
            return {"x": torch.ones(of.limit.samples * 8, dtype=torch.float64).numpy()}
        return {"x": torch.ones(trials_at_once(of, block.width) * numbers(of, block.width)).double().numpy()}

    return measure


def test_limits_of_training_are_measured_at_few_samples() -> None:
    for optimizer, steps, most in ((ADAM, 8, 4096), (SGD, 8, 32768), (SGD, 4000, 2048)):
        asked: list[int] = []
        of = spec(optimizer, training={"steps": steps}, sweep={"width": [64]})
        calibrate(of, point_inputs(points(of)), recorded(asked))  # type: ignore[arg-type]
        assert max(asked) == most
    assert of.training.tuples * 4096 == MOST_LIMIT_NUMBERS


@pytest.mark.parametrize("optimizer", [SGD, ADAM])
def test_bytes_are_predicted_beyond_what_is_measured(optimizer: Mapping[str, object]) -> None:
    """From widths up to 256 for one of 1024, of the limit from 512 samples for 4096: within a factor of 2."""
    small = spec(optimizer, sweep={"width": [256]}, limit={"samples": 512}, training={"steps": 2, "tuples": 64})
    inputs = point_inputs(points(small))
    cost = calibrate(small, inputs, measure_block)
    large = small.model_copy(update={"limit": small.limit.model_copy(update={"samples": 4096})})
    (of_point,) = cost.by_point.values()
    predicted = CostModel(by_point={0: type(of_point)(spec=large, trials=of_point.trials, limit=of_point.limit)})
    for block in (trials(1024), LIMIT):
        with PeakBytes() as tensors:
            measure_block(large, inputs, block)
        assert tensors.peak / 2 < predicted.bytes(block) < 2 * tensors.peak


@pytest.mark.parametrize(("optimizer", "key"), [(SGD, "training.steps"), (ADAM, "training.tuples")])
def test_a_limit_that_does_not_fit_is_refused_with_what_to_lower(optimizer: Mapping[str, object], key: str) -> None:
    of = spec(optimizer)
    cost = calibrate(of, point_inputs(points(of)), lambda *_: {"x": torch.ones(1 << 20).numpy()})
    with pytest.raises(SpecError, match=rf"^limit\.samples: one .* lower limit\.samples, {key} or data\.count$"):
        require_memory(joined([LIMIT]), cost, 1 << 10)
    assert cost.bytes(LIMIT) > 1 << 20
    assert isinstance(cost.by_point[0].trials.at(1), Cost)


def said(of: Spec) -> dict[str, str]:
    """What the record says of the hidden matrices."""
    return {
        width: next(line for line in lines if line.startswith(f"{width} x {width}"))
        for width, lines in holdings(of, point_inputs(points(of))).items()
    }


def test_matrices_in_training_are_said_to_be_held_as_they_are() -> None:
    """8 steps on 6 inputs look at 54 directions, most of those of width 64."""
    sweep = {"width": [64, 1024]}
    dense = "gaussian: dense (training moves all entries, or looks at most of them)"
    assert said(spec(SGD, sweep=sweep)) == {
        "64": f"64 x 64, {dense}",
        "1024": "1024 x 1024, gaussian: revealed (a Gaussian matrix is drawn only where it is looked at)",
    }
    assert said(spec(ADAM, sweep=sweep)) == {width: f"{width} x {width}, {dense}" for width in ("64", "1024")}
    tiled = said(spec(ADAM, sweep=sweep, numerics={"matrix": "tiled"}))
    assert tiled["64"] == "64 x 64, gaussian: tiled (asked for)"


def trained(space: Space, optimizer: str) -> Mapping[str, Tensor]:
    def network(space: Space, inputs: Tensor) -> Tensor:
        return torch.tanh(space.matrix()(space.matrix(features=2)(space.constant(inputs))))

    inputs = torch.eye(2)
    *_, last = widthwise.train(space, network, inputs, torch.ones(2), optimizer=optimizer, steps=2)
    return {"loss": last.loss}


def test_programs_that_train_cost_what_their_optimizer_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("widthwise.experiments.programs"), "_REGISTERED", {})
    for optimizer, at_once in (("sgd", 8), ("adam", 1)):
        name = widthwise.register_program(lambda space, of=optimizer: trained(space, of), f"own:{optimizer}")
        of = Spec(experiment=name)
        assert name in programs()
        assert moves_entries(name, of.optimizer) == (optimizer == "adam")
        assert trials_at_once(of, 4096) == at_once
