"""The options of an experiment: validated by its own class, swept like other keys, part of the identity."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.experiments import EXPERIMENTS, tables_of
from widthwise.experiments.options import AMP, Interpolation, MarchenkoPastur, NoOptions, Semicircle
from widthwise.experiments.programs import _REGISTERED, Program
from widthwise.laws import Law, adopt_laws
from widthwise.sections import Section
from widthwise.spec import Spec, differing, identity, load_spec, points

WITH_OPTIONS = [name for name in EXPERIMENTS if "options" in tables_of(name)]

CHANGED: list[tuple[str, dict[str, Any]]] = [
    ("ntk", {"biases": True}),
    ("jacobian_spectrum", {"steps": 3}),
    ("dynamical_isometry", {"law": "orthogonal", "activation": "erf", "bias_variance": 1.0, "depth": 4}),
    ("ntk_training", {"flow": True}),
    ("dichotomy", {"features": "1/2", "output": "-1/4"}),
    ("spectrum_vs_accuracy", {"depth": 2, "epochs": 3, "batch": 8, "learning_rate": 1, "held_out": 0.5, "labels": "y"}),
    ("clipped_identity", {"law": "laplace", "delta": 0.25}),
    ("semicircle", {"law": "rademacher", "orders": 4}),
    ("marchenko_pastur", {"ratio": 2, "orders": 3}),
    ("free_independence", {"activation": "relu", "law": "uniform"}),
    ("gradient_independence", {"activation": "erf"}),
    ("mean_pooling", {"activation": "relu", "law": "uniform"}),
    ("amp", {"delta": 0.25, "density": 1, "denoiser": "tanh", "steps": 2, "noise_variance": 0}),
    ("master_theorem", {"program": "tied", "depth": 1, "quantiles": 64}),
    ("interpolation", {"law": "student_t(5)", "times": 2, "program": "tied"}),
]


def message_of(table: dict[str, Any], overrides: Sequence[str] = ()) -> str:
    """The one line with which a table is refused."""
    with pytest.raises(SpecError) as caught:
        load_spec(table, overrides)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return str(caught.value)


@pytest.fixture
def _own_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.laws.names._REGISTERED", {})


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_needs_no_options(name: str) -> None:
    spec = load_spec({"experiment": name})
    assert type(spec.options) is EXPERIMENTS[name].options
    assert spec == Spec(experiment=name) == load_spec({"experiment": name, "options": {}})


def test_every_experiment_of_this_file_has_its_options_changed() -> None:
    assert [name for name, _ in CHANGED] == WITH_OPTIONS


@pytest.mark.parametrize(("name", "options"), CHANGED)
def test_a_dump_makes_the_same_options(name: str, options: dict[str, Any]) -> None:
    spec = load_spec({"experiment": name, "options": options})
    assert {key: getattr(spec.options, key) for key in options} == options
    assert spec.model_dump()["options"] == dict(spec.options)
    assert Spec.model_validate(spec.model_dump()) == spec
    assert load_spec(spec.model_dump(mode="json")) == spec
    assert Spec.model_validate_json(spec.model_dump_json()) == spec
    assert Spec(experiment=name, options=spec.options) == spec


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("spec.toml", 'experiment = "amp"\n[options]\ndelta = 2\nlaw = "sparse(0.5)"\n'),
        ("spec.yaml", "experiment: amp\noptions:\n  delta: 2\n  law: sparse( 0.5 )\n"),
        ("spec.json", '{"options": {"law": "sparse(0.50)", "delta": 2.0}, "experiment": "amp"}'),
    ],
)
def test_every_kind_of_file_has_options(tmp_path: Path, file: str, content: str) -> None:
    (tmp_path / file).write_text(content)
    assert load_spec(tmp_path / file).options == AMP(delta=2.0, law="sparse(0.5)")


@pytest.mark.parametrize(
    ("experiment", "options", "parts"),
    [
        ("semicircle", 3, ["options: 3 is not a table"]),
        ("semicircle", [1], ["options: [1] is not a table"]),
        ("semicircle", {"order": 3}, ["options.order: is not a known key; allowed: law, orders", "mean 'orders'"]),
        ("semicircle", {"orders": 0}, ["options.orders: 0 is below 1"]),
        ("semicircle", {"orders": 33}, ["options.orders: 33 is above 32"]),
        ("semicircle", {"orders": 2.0}, ["options.orders: 2.0 is not an integer"]),
        ("semicircle", {"orders": True}, ["options.orders: True is not an integer"]),
        ("semicircle", {"law": "cauchy"}, ["options.law: 'cauchy' is not known; allowed: gaussian, laplace"]),
        ("semicircle", {"law": "gausian"}, ["options.law: 'gausian' is not known", "did you mean 'gaussian'"]),
        ("semicircle", {"law": "sparse(2)"}, ["options.law: 'sparse(2)': the density of sparse"]),
        ("semicircle", {"law": 3}, ["options.law: 3 is not text"]),
        ("semicircle", {"law": ["gaussian"]}, ["options.law: ['gaussian'] is not text"]),
        ("semicircle", {"law": "os.system"}, ["options.law: 'os.system' is not known"]),
        ("semicircle", {"__class__": "x"}, ["options.__class__: is not a known key"]),
        ("semicircle", {"shape": []}, ["options.shape: is not a known key"]),
        ("semicircle", AMP(), ["options.delta: is not a known key; allowed: law, orders"]),
        ("marchenko_pastur", {"ratio": 0}, ["options.ratio: 0 is below 0.015625"]),
        ("marchenko_pastur", {"ratio": 65}, ["options.ratio: 65 is above 64"]),
        ("marchenko_pastur", {"ratio": float("nan")}, ["options.ratio: nan"]),
        ("marchenko_pastur", {"ratio": "1"}, ["options.ratio: '1' is not a number"]),
        ("free_independence", {"activation": "tan"}, ["options.activation: 'tan' is not known; allowed: abs"]),
        ("amp", {"noise_variance": -1}, ["options.noise_variance: -1 is below 0"]),
        ("amp", {"density": 0}, ["options.density: 0 is below 1e-06, the smallest allowed"]),
        ("amp", {"density": 1.5}, ["options.density: 1.5 is above 1"]),
        ("amp", {"threshold": 0}, ["options.threshold: 0 is not above 0"]),
        ("amp", {"denoiser": "relu"}, ["options.denoiser: 'relu' is not known", "'soft_threshold' or 'tanh'"]),
        ("amp", {"steps": 65}, ["options.steps: 65 is above 64"]),
        ("master_theorem", {"quantiles": 100}, ["options.quantiles: 100 is not known; allowed: 64, 128"]),
        ("master_theorem", {"program": "os:system"}, ["options.program: 'os:system' is not known"]),
        ("spectrum_vs_accuracy", {"held_out": 1}, ["options.held_out: 1 is not below 1"]),
        ("spectrum_vs_accuracy", {"learning_rate": 0}, ["options.learning_rate: 0 is not above 0"]),
        ("spectrum_vs_accuracy", {"labels": 3}, ["options.labels: 3 is not text"]),
        ("interpolation", {"program": "power"}, ["options.program: 'power' is not known", "'mlp' or 'tied'"]),
        ("interpolation", {"times": 1}, ["options.times: 1 is below 2"]),
        ("interpolation", {"depth": 65}, ["options.depth: 65 is above 64"]),
        ("nngp", {"law": "uniform"}, ["options: has no meaning for the experiment nngp; leave the table out"]),
        ("nothing", {"law": "uniform"}, ["experiment: 'nothing' is not known"]),
    ],
)
def test_a_mistake_in_the_options_gets_one_line(experiment: str, options: object, parts: list[str]) -> None:
    message = message_of({"experiment": experiment, "options": options})
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"model": {"depth": 2}}, "model: has no meaning for the experiment semicircle; leave the table out"),
        ({"data": {"source": "sphere"}}, "data: has no meaning for the experiment semicircle; leave the table out"),
        (
            {"sweep": {"model.depth": [1, 2]}},
            'sweep."model.depth": cannot be swept; allowed: width, trials, options.law',
        ),
        ({"sweep": {"data.source": ["sphere"]}}, 'sweep."data.source": cannot be swept'),
    ],
)
def test_tables_that_are_not_used_are_refused(table: dict[str, Any], part: str) -> None:
    assert part in message_of({"experiment": "semicircle", **table})


def test_the_options_of_another_experiment_cannot_be_swept() -> None:
    assert "cannot be swept" in message_of({"experiment": "ntk", "sweep": {"options.law": ["gaussian"]}})


def test_options_are_swept_like_other_keys() -> None:
    spec = load_spec({"experiment": "marchenko_pastur", "sweep": {"options.ratio": [0.5, 1.0, 2.0]}})
    assert [point.spec.options for point in points(spec)] == [MarchenkoPastur(ratio=r) for r in (0.5, 1.0, 2.0)]
    assert load_spec(spec.model_dump(mode="json")) == spec


def test_a_swept_value_that_is_wrong_names_the_sweep() -> None:
    message = message_of({"experiment": "semicircle", "sweep": {"options": {"law": ["gaussian", "cauchy"]}}})
    assert message.startswith("sweep.\"options.law\": 'cauchy' is not known; allowed: gaussian")
    message = message_of({"experiment": "marchenko_pastur", "sweep": {"options.ratio": [1, 100]}})
    assert message == 'sweep."options.ratio": 100 is above 64.0, the largest allowed'


@pytest.mark.parametrize(
    ("experiment", "key"),
    [
        ("semicircle", "orders"),
        ("marchenko_pastur", "orders"),
        ("amp", "steps"),
        ("master_theorem", "depth"),
        ("master_theorem", "program"),
        ("master_theorem", "quantiles"),
        ("interpolation", "times"),
    ],
)
def test_what_decides_the_shape_of_readouts_cannot_be_swept(experiment: str, key: str) -> None:
    default = getattr(EXPERIMENTS[experiment].options(), key)
    assert "cannot be swept" in message_of({"experiment": experiment, "sweep": {f"options.{key}": [default]}})


def test_every_other_option_can_be_swept() -> None:
    for name in WITH_OPTIONS:
        options = EXPERIMENTS[name].options()
        for key, default in options:
            if key not in options.shape:
                values = ["a name"] if default is None else [default]
                assert len(points(load_spec({"experiment": name, "sweep": {f"options.{key}": values}}))) == 1


@pytest.mark.parametrize("section", [kind.options for kind in EXPERIMENTS.values()])
def test_what_decides_the_shape_is_a_field_and_every_field_is_explained(section: type[Section]) -> None:
    assert section.shape <= set(section.model_fields)
    for name in section.model_fields:
        assert f"\n    ``{name}``: " in str(section.__doc__)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("options.law=rademacher", Interpolation(law="rademacher")),
        ("options.law=student_t(5)", Interpolation(law="student_t(5)")),
        ('options.law="sparse( 1e-2 )"', Interpolation(law="sparse(0.01)")),
        ("options.times=3", Interpolation(times=3)),
    ],
)
def test_a_change_of_options_on_the_command_line(override: str, expected: Section) -> None:
    assert load_spec({"experiment": "interpolation"}, [override]).options == expected


def test_a_sweep_of_options_on_the_command_line() -> None:
    spec = load_spec({"experiment": "semicircle"}, ['sweep."options.law"=["gaussian", "student_t(5)"]'])
    assert [point.spec.options for point in points(spec)] == [Semicircle(), Semicircle(law="student_t(5)")]


def hash_of(table: dict[str, Any]) -> str:
    return identity(load_spec(table), [np.empty((0, 0))]).hash


@pytest.mark.parametrize(("name", "options"), [(name, {key: value}) for name, o in CHANGED for key, value in o.items()])
def test_every_option_is_identity(name: str, options: dict[str, Any]) -> None:
    assert hash_of({"experiment": name, "options": options}) != hash_of({"experiment": name})


def test_identity_knows_options_by_their_canonical_values() -> None:
    one, other = (
        {"experiment": "amp", "options": {"law": law, "delta": d}} for law, d in (("sparse", 2), ("sparse(.1)", 2.0))
    )
    assert hash_of(one) == hash_of(other)


@pytest.mark.usefixtures("_own_laws")
@pytest.mark.parametrize("where", [{"options": {"law": "mine"}}, {"sweep": {"options.law": ["gaussian", "mine"]}}])
def test_a_law_of_ones_own_is_identity_by_its_code(where: dict[str, Any]) -> None:
    found = []
    for source in ("one", "two"):
        adopt_laws([Law(name="mine", family="mine", source=source), Law(name="unused", family="unused", source=source)])
        found.append(identity(load_spec({"experiment": "semicircle", **where}), [np.empty((0, 0))]).fields)
    assert differing(*found) == ["law mine: its code is not that of the run"]
    assert not any("unused" in key for key in found[0])


@pytest.mark.usefixtures("_own_laws")
def test_a_program_may_use_any_law_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(name="here:program", function=lambda space: {}, source="code")
    monkeypatch.setitem(_REGISTERED, program.name, program)
    adopt_laws([Law(name="mine", family="mine", source="one")])
    fields = identity(load_spec({"experiment": "here:program"}), [np.empty((0, 0))]).fields
    assert "law mine" in fields
    assert "program" in fields


@pytest.mark.usefixtures("_own_laws")
def test_a_law_is_no_activation_of_the_same_name() -> None:
    adopt_laws([Law(name="tanh", family="tanh", source="mine")])
    found = identity(load_spec({"experiment": "free_independence"}), [np.empty((0, 0))])
    assert "law tanh" not in found.fields


def test_an_experiment_without_options_has_the_identity_it_had() -> None:
    """The empty table adds no key: stored runs stay what they are."""
    found = identity(load_spec({"experiment": "nngp"}), [np.empty((0, 0))])
    assert not any(key.startswith("options") for key in found.fields)
    assert json.loads(load_spec({"experiment": "nngp"}).model_dump_json())["options"] == {}
    assert load_spec({"experiment": "nngp"}).options == NoOptions()
