"""``[training]``, ``[optimizer]``, ``[parametrization]``: of an experiment that trains, with defaults of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from widthwise.errors import SpecError
from widthwise.experiments import EXPERIMENTS, TABLES, Experiment, Kind, build
from widthwise.models import MLP
from widthwise.spec import Identity, Spec, differing, identity, load_spec, points
from widthwise.training import SGD, Adam, Constant, Cosine, Momentum, OptimizerOptions, Scaling, Training
from widthwise.training.losses import register_loss
from widthwise.training.own import register_optimizer

DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "model": {"depth": 2},
    "data": {"source": "gaussian", "features": 5},
    "training": {"steps": 3, "schedule": {"name": "cosine", "steps": 4}},
    "optimizer": {"name": "adam", "beta1": 0.5},
    "parametrization": {"preset": "uniform", "s": "1/4", "rate": {"bias": 2.0}},
}


@pytest.fixture(autouse=True)
def _trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two experiments with all tables; one of them has defaults. Nothing of a user's own is registered."""
    for name, defaults in (("plain", {}), ("preset", DEFAULTS)):
        kind = Kind(
            name=name,
            summary="",
            assumptions="",
            source="",
            readouts=(),
            home=__name__,
            tables=frozenset(TABLES) - {"options"},
            defaults=defaults,
        )
        monkeypatch.setitem(EXPERIMENTS, name, kind)  # type: ignore[arg-type]
    monkeypatch.setattr("widthwise.training.named_losses._REGISTERED", {})
    monkeypatch.setattr("widthwise.training.named_optimizers._REGISTERED", {})


def spec_of(experiment: str = "plain", /, **tables: object) -> Spec:
    return load_spec({"experiment": experiment, **tables})


def identity_of(spec: Spec) -> Identity:
    return identity(spec, [np.ones((1, 1))])


def message_of(table: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec({"experiment": "plain", **table})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_nobody_writes_is_gradient_descent_by_mup() -> None:
    spec = spec_of()
    assert (spec.training, spec.optimizer, spec.parametrization) == (Training(), SGD(), Scaling())
    assert spec.training.schedule == Constant()


def test_an_optimizer_and_a_schedule_are_sections_of_their_name() -> None:
    spec = spec_of(
        optimizer={"name": "momentum", "momentum": 0.5},
        training={"steps": 2, "schedule": {"name": "cosine", "warmup": 3}},
        parametrization={"a": [0, 0, 1], "b": [0, "1/2", 0], "c": [0, 1, 0], "d": [1, 1, 1]},
    )
    assert spec.optimizer == Momentum(momentum=0.5)
    assert spec.training.schedule == Cosine(warmup=3)
    assert spec.parametrization.exponents(2) == Scaling().exponents(2)
    assert load_spec(json.loads(spec.model_dump_json())) == spec
    same = Spec(experiment="plain", optimizer=Momentum(momentum=0.5), training=spec.training)  # type: ignore[call-arg]
    assert same.training == spec.training
    assert spec_of(training={"schedule": {"warmup": 2}}).training.schedule == Constant(warmup=2)


def test_defaults_of_an_experiment_stand_under_what_is_written() -> None:
    spec = spec_of("preset")
    assert spec.model == MLP(depth=2)
    assert (spec.data.source, spec.data.features) == ("gaussian", 5)
    assert spec.training == Training(steps=3, schedule=Cosine(steps=4))
    assert spec.optimizer == Adam(beta1=0.5)
    assert (spec.parametrization.preset, spec.parametrization.s, spec.parametrization.rate.bias) == (
        "uniform",
        "1/4",
        2,
    )
    changed = load_spec({"experiment": "preset"}, ["optimizer.beta2=0.9", "training.train=4", "data.count=9"])
    assert changed.optimizer == Adam(beta1=0.5, beta2=0.9)
    assert (changed.training.steps, changed.training.train, changed.data.features) == (3, 4, 5)
    assert load_spec(json.loads(changed.model_dump_json())) == changed


def test_whoever_chooses_otherwise_is_rid_of_the_defaults_of_the_choice() -> None:
    assert spec_of("preset", optimizer={"name": "sgd"}).optimizer == SGD()
    assert spec_of("preset", data={"source": "digits"}).data.features is None
    assert spec_of("preset", parametrization={"preset": "sp"}).parametrization == Scaling(preset="sp")
    lists = {key: [0, 0, 0] for key in "abcd"}
    written = spec_of("preset", parametrization=lists)
    assert written.parametrization.preset is None
    assert load_spec(json.loads(written.model_dump_json())) == written


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"optimizer": {"name": "adm"}}, r"optimizer\.name: 'adm' is not known; allowed: sgd, .*did you mean 'adam'"),
        ({"optimizer": {"name": "sgd", "beta1": 0.5}}, r"optimizer\.beta1: is not a known key; allowed: name, learn"),
        ({"optimizer": {"learning_rate": 0}}, r"optimizer\.learning_rate: 0 is not above 0"),
        ({"optimizer": {"normalise": True, "clip": 1.0}}, r"optimizer\.clip: 1 has no meaning for normalised"),
        ({"optimizer": 3}, r"optimizer: 3 is not a table of keys"),
        ({"training": {"steps": 0}}, r"training\.steps: 0 is below 1"),
        ({"training": {"steps": 5000}}, r"training\.steps: 5000 is above 4096"),
        ({"training": {"outputs": 65}}, r"training\.outputs: 65 is above 64"),
        ({"training": {"loss": "hinge"}}, r"training\.loss: 'hinge' is not known; allowed: squared, cross_entropy"),
        ({"training": {"train": 3, "batch": 4}}, r"training\.batch: 4 is more than the 3 inputs that"),
        ({"training": {"targets": "file"}}, r"training\.target_name: is missing"),
        ({"training": {"target_name": "y"}}, r"training\.target_name: has no meaning for targets = 'random'"),
        ({"training": {"targets": "labels", "outputs": 2}}, r"training\.outputs: 2 has no labels; allowed: 1 .* 10"),
        ({"training": {"loss": "cross_entropy"}}, r"training\.targets: random numbers are no labels"),
        ({"training": {"schedule": 1}}, r"training\.schedule: 1 is not a table of keys"),
        (
            {"training": {"schedule": {"name": "linear"}}},
            r"training\.schedule\.name: 'linear' is not known; allowed: c",
        ),
        (
            {"training": {"schedule": {"name": "step", "steps": 3}}},
            r"training\.schedule\.steps: is not a known key; allowed: name, warmup, every, factor",
        ),
        ({"training": {"schedule": {"warmup": -1}}}, r"training\.schedule\.warmup: -1 is below 0"),
        ({"parametrization": {"preset": "map"}}, r"parametrization\.preset: 'map' is not known; allowed: 'mup'"),
        ({"parametrization": {"preset": "uniform"}}, r"parametrization\.s: is missing, which preset = \"uniform\""),
        ({"parametrization": {"preset": "uniform", "s": 1}}, r"parametrization\.s: 1 is not from 0 to 1/2"),
        ({"parametrization": {"a": [0, "x", 0]}}, r"parametrization\.a\[1\]: 'x' is not a number such as"),
        ({"parametrization": {"a": [0, 0, 0]}}, r"parametrization\.b: is missing; give a, b, c and d or a preset"),
        ({"parametrization": {"a": 1}}, r"parametrization\.a: 1 is not a list"),
        ({"parametrization": {"rate": {"hidden": 0}}}, r"parametrization\.rate\.hidden: 0 is not above 0"),
        (
            {"parametrization": {"rate": {"last": 1}}},
            r"parametrization\.rate\.last: is not a known key; allowed: input,",
        ),
        ({"sweep": {"optimizer.name": ["sgd", "adam"]}}, r"sweep\.\"optimizer\.name\": cannot be swept; allowed: .*"),
        ({"sweep": {"training.steps": [1, 2]}}, r"sweep\.\"training\.steps\": cannot be swept"),
        ({"sweep": {"training.outputs": [1, 2]}}, r"sweep\.\"training\.outputs\": cannot be swept"),
        ({"sweep": {"training.schedule.name": ["step"]}}, r"sweep\.\"training\.schedule\.name\": cannot be swept"),
        ({"sweep": {"training.schedule": [1]}}, r"sweep\.\"training\.schedule\": cannot be swept"),
        ({"sweep": {"parametrization.a": [1]}}, r"sweep\.\"parametrization\.a\": cannot be swept"),
        ({"sweep": {"parametrization.preset": ["mup", "x"]}}, r"sweep\.\"parametrization\.preset\": 'x' is not"),
        (
            {"sweep": {"parametrization.s": [0, 0.5]}},
            r"sweep\.\"parametrization\.s\": has no meaning for preset = 'mup'",
        ),
        ({"sweep": {"optimizer.beta1": [0.5]}}, r"sweep\.\"optimizer\.beta1\": cannot be swept"),
        ({"experiment": "ntk", "training": {"steps": 2}}, r"training: has no meaning for the experiment ntk"),
        ({"experiment": "ntk", "optimizer": {"name": "adam"}}, r"optimizer: has no meaning for the experiment ntk"),
        ({"experiment": "amp", "parametrization": {"preset": "sp"}}, r"parametrization: has no meaning for the exper"),
        ({"experiment": "ntk", "sweep": {"training.batch": [1]}}, r"sweep\.\"training\.batch\": cannot be swept"),
    ],
)
def test_a_mistake_is_one_line(table: dict[str, Any], message: str) -> None:
    assert re.match(message, message_of(table)), message_of(table)


def test_what_may_be_swept() -> None:
    spec = spec_of(
        optimizer={"name": "adam"},
        parametrization={"preset": "uniform"},
        sweep={
            "optimizer.epsilon": [1e-8, 1e-4],
            "parametrization.s": [0, 0.5],
            "parametrization.rate.hidden": [1.0, 2.0],
            "training.batch": [1, 2],
            "training.schedule.warmup": [0, 1],
        },
    )
    resolved = [point.spec for point in points(spec)]
    assert len(resolved) == 32
    assert {each.optimizer for each in resolved} == {Adam(epsilon=1e-8), Adam(epsilon=1e-4)}
    assert {each.parametrization.s for each in resolved} == {"0", "1/2"}
    assert {each.parametrization.rate.hidden for each in resolved} == {1.0, 2.0}
    assert {(each.training.batch, each.training.schedule.warmup) for each in resolved} == {
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    }
    presets = spec_of(sweep={"parametrization.preset": ["mup", "sp"], "optimizer.learning_rate": [0.1, 1]})
    assert {point.spec.parametrization for point in points(presets)} == {Scaling(), Scaling(preset="sp")}


GIVEN: list[tuple[object, ...]] = []


def plain(*tables: object) -> Experiment:
    GIVEN.append(tables)
    return Experiment(name="plain", readouts=(), measure=lambda _: {})


def test_an_experiment_is_given_its_tables_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    GIVEN.clear()
    spec, inputs = spec_of(), np.eye(2)
    build("plain", spec.tables, inputs)
    assert [(spec.model, inputs, spec.training, spec.optimizer, spec.parametrization)] == GIVEN
    monkeypatch.setitem(
        EXPERIMENTS,  # type: ignore[arg-type]
        "plain",
        Kind(
            name="plain",
            summary="",
            assumptions="",
            source="",
            readouts=(),
            home=__name__,
            tables=frozenset({"optimizer", "training"}),
        ),
    )
    build("plain", spec.tables, inputs)
    assert GIVEN[1] == (spec.training, spec.optimizer)


@pytest.mark.parametrize(
    "override",
    [
        "training.steps=2",
        "training.batch=2",
        "training.schedule.warmup=1",
        "optimizer.name=adam",
        "optimizer.learning_rate=0.5",
        "parametrization.preset=sp",
        "parametrization.rate.hidden=2",
        'sweep."optimizer.clip"=[1, 2]',
    ],
)
def test_the_tables_are_identity_where_they_are_used(override: str) -> None:
    changed = identity_of(load_spec({"experiment": "plain"}, [override]))
    assert changed.hash != identity_of(spec_of()).hash
    assert differing(identity_of(spec_of()).fields, changed.fields)


def test_an_experiment_without_them_is_what_it_was() -> None:
    fields = identity_of(spec_of("ntk")).fields
    assert not [key for key in fields if key.partition(".")[0] in ("training", "optimizer", "parametrization")]


def test_code_of_ones_own_counts_where_it_is_named() -> None:
    before = identity_of(spec_of())
    register_loss("hinge", lambda f, y: (1 - y * f).clamp(min=0)[..., 0])
    register_optimizer("mine", lambda gradients: torch.tanh(gradients[-1]))
    assert identity_of(spec_of()) == before
    named = spec_of(training={"loss": "hinge"}, optimizer={"name": "mine", "learning_rate": 0.5})
    assert {"loss hinge", "optimizer mine"} < set(identity_of(named).fields)
    assert (named.optimizer.name, named.optimizer.learning_rate) == ("mine", 0.5)
    assert load_spec(json.loads(named.model_dump_json())) == named
    assert isinstance(named.optimizer, OptimizerOptions)
    assert re.match(r"optimizer\.beta1: is not a known key", message_of({"optimizer": {"name": "mine", "beta1": 0.5}}))
    swept = spec_of(sweep={"training.loss": ["squared", "hinge"]})
    assert "loss hinge" in identity_of(swept).fields
    other = {**identity_of(named).fields, "loss hinge": "other"}
    assert differing(other, identity_of(named).fields) == ["loss hinge: its code is not that of the run"]


def test_to_know_the_tables_takes_nothing_heavy() -> None:
    program = (
        "import sys\nfrom widthwise.training import Scaling, Training\nfrom widthwise.spec import load_spec\n"
        "load_spec({'experiment': 'ntk'}), Scaling(preset='sp'), Training(loss='squared')\n"
        "assert not {'ray', 'scipy', 'torch', 'zarr'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
