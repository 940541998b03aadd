"""The spec: defaults, round trips, and the one line that every mistake gets."""

from pathlib import Path
from typing import Any

import pytest

from widthwise.errors import SpecError
from widthwise.spec import Spec, load_spec, points

ISSUE_EXAMPLE = """
experiment = "ntk"
seed = 0

[model]
name = "mlp"
depth = 3                     # hidden layers
activation = "erf"
weight_variance = 1.5
bias_variance = 0.1

[data]
source = "file"
path = "inputs.npy"

[sweep]
width = [64, 256, 1024]
trials = 64
"model.activation" = ["erf", "relu"]

[limit]
samples = 262144
replicates = 8
estimator = "rqmc"
"""


def message_of(table: dict[str, Any]) -> str:
    """The one line with which a table is refused; the experiment is ``ntk`` where none is named."""
    with pytest.raises(SpecError) as caught:
        load_spec({"experiment": "ntk", **table})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_the_experiment_is_needed() -> None:
    spec = load_spec({"experiment": "ntk"})
    assert spec == Spec(experiment="ntk")
    assert (spec.limit.samples, spec.limit.replicates, spec.limit.estimator) == (262144, 8, "rqmc")
    assert (spec.numerics.dtype, spec.numerics.microbatch, spec.verdict.tolerance) == ("float32", 8, 0.01)


@pytest.mark.parametrize("suffix", [".toml", ".json"])
def test_the_promised_spec_is_read(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "spec.toml").write_text(ISSUE_EXAMPLE)
    spec = load_spec(tmp_path / "spec.toml")
    if suffix == ".json":
        (tmp_path / "spec.json").write_text(spec.model_dump_json())
        spec = load_spec(tmp_path / "spec.json")
    assert spec.sweep.width == (64, 256, 1024)
    assert spec.sweep.axes == {"model.activation": ("erf", "relu")}
    assert spec.model.weight_variance == 1.5
    assert spec.data.path == str(tmp_path / "inputs.npy")


@pytest.mark.parametrize(
    "table",
    [
        {"experiment": "nngp"},
        {"experiment": "ntk", "sweep": {"width": [64, 128], "trials": {"64": 8, "128": 4}}},
        {"experiment": "ntk", "sweep": {"model.depth": [1, 2], "seed": [0, 1], "model.weight_variance": [1, 1.5]}},
        {"experiment": "ntk", "data": {"source": "sphere", "features": 5, "count": 3}, "seed": 2**62},
    ],
)
def test_a_dump_makes_the_same_spec(table: dict[str, Any]) -> None:
    spec = load_spec(table)
    assert load_spec(spec.model_dump(mode="json")) == spec
    assert load_spec(spec.model_dump()) == spec
    assert Spec.model_validate_json(spec.model_dump_json()) == spec


def test_a_spec_without_experiment_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^experiment: is missing; write for example experiment = \"ntk\"$"):
        load_spec({"seed": 1})


def test_a_spec_cannot_be_changed() -> None:
    spec = load_spec({"experiment": "ntk"})
    with pytest.raises(Exception, match="frozen"):
        spec.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ({"experiment": "ntkk"}, ["experiment: 'ntkk' is not known", "nngp, ntk", "did you mean 'ntk'"]),
        ({"experiment": 3}, ["experiment: 3 is not text"]),
        ({"experiment": ["ntk"]}, ["experiment: ['ntk'] is not text"]),
        ({"sede": 1}, ["sede: is not a known key", "did you mean 'seed'"]),
        ({"seed": "1"}, ["seed: '1' is not an integer"]),
        ({"seed": True}, ["seed: True is not an integer"]),
        ({"seed": 1.0}, ["seed: 1.0 is not an integer"]),
        ({"seed": -1}, ["seed: -1 is below 0"]),
        ({"seed": 10**4000}, ["seed: an integer of", "is not below"]),
        ({"model": 3}, ["model: 3 is not a table"]),
        ({"model": {"name": "cnn"}}, ["model.name: 'cnn' is not known", "mlp"]),
        ({"model": {"depth": 0}}, ["model.depth: 0 is below 1"]),
        ({"model": {"depth": 10**9}}, ["model.depth: 1000000000 is above"]),
        ({"model": {"depth": 2.5}}, ["model.depth: 2.5 is not an integer"]),
        ({"model": {"dept": 2}}, ["model.dept: is not a known key", "did you mean 'depth'"]),
        ({"model": {"activation": "rellu"}}, ["model.activation", "'rellu'", "relu"]),
        ({"model": {"weight_variance": 0}}, ["model.weight_variance: 0 is not above 0"]),
        ({"model": {"weight_variance": float("nan")}}, ["model.weight_variance: nan"]),
        ({"model": {"weight_variance": float("inf")}}, ["model.weight_variance: inf"]),
        ({"model": {"weight_variance": "1"}}, ["model.weight_variance: '1' is not a number"]),
        ({"data": {"source": "imagenet"}}, ["data.source: 'imagenet' is not known", "'digits'"]),
        ({"data": {"source": "file"}}, ["data.path: is missing"]),
        ({"data": {"features": 4}}, ["data.features: has no meaning for source = 'digits'"]),
        ({"data": {"count": 0}}, ["data.count: 0 is below 1"]),
        ({"sweep": {"width": 64}}, ["sweep.width: 64 is not a list"]),
        ({"sweep": {"width": []}}, ["sweep.width: [] is too short"]),
        ({"sweep": {"width": [64, 1]}}, ["sweep.width[1]: 1 is below 2"]),
        ({"sweep": {"width": [0]}}, ["sweep.width[0]: 0 is below 2"]),
        ({"sweep": {"width": [-64]}}, ["sweep.width[0]: -64 is below 2"]),
        ({"sweep": {"width": [10**15]}}, ["sweep.width[0]", "is above"]),
        ({"sweep": {"width": [64.5]}}, ["sweep.width[0]: 64.5 is not an integer"]),
        ({"sweep": {"width": [64, 64]}}, ["sweep.width: 64 stands twice"]),
        ({"sweep": {"width": list(range(2, 5000))}}, ["sweep.width", "is too long"]),
        ({"sweep": {"trials": 1}}, ["sweep.trials: 1 is not an integer from 2"]),
        ({"sweep": {"trials": 0}}, ["sweep.trials: 0 is not an integer from 2"]),
        ({"sweep": {"trials": True}}, ["sweep.trials: True is not an integer from 2"]),
        ({"sweep": {"trials": "8"}}, ["sweep.trials: '8' is not an integer from 2"]),
        ({"sweep": {"trials": {}}}, ["sweep.trials: the table is empty"]),
        ({"sweep": {"trials": {"x": 8}}}, ["sweep.trials: 'x' is not a width"]),
        ({"sweep": {"trials": {"64": 0}}}, ["sweep.trials: 0 is not an integer from 2"]),
        ({"sweep": {"width": [64], "trials": {"65": 8}}}, ["sweep.trials: no entry for width 64"]),
        ({"sweep": {"widht": [64]}}, ["sweep.widht: cannot be swept", "did you mean 'width'"]),
        ({"sweep": {"model.dept": [1]}}, ['sweep."model.dept"', "did you mean 'model.depth'"]),
        ({"sweep": {"model": {"dept": [1]}}}, ['sweep."model.dept": cannot be swept']),
        ({"sweep": {"data.count": [1, 2]}}, ['sweep."data.count": cannot be swept']),
        ({"sweep": {"limit.replicates": [2]}}, ['sweep."limit.replicates": cannot be swept']),
        ({"sweep": {"model.depth": 2}}, ['sweep."model.depth": 2 is not a list']),
        (
            {"sweep": {"model.depth": []}},
            ['sweep."model.depth": [] is not a list of at least one'],
        ),
        ({"sweep": {"model.depth": [[1]]}}, ['sweep."model.depth": [1] cannot be swept']),
        ({"sweep": {"model.depth": [1, 1]}}, ['sweep."model.depth": 1 stands twice']),
        ({"sweep": {"model.depth": [1, "2"]}}, ['sweep."model.depth": mixes number and text']),
        ({"sweep": {"model.depth": [1, 0]}}, ['sweep."model.depth": 0 is below 1']),
        (
            {"sweep": {"model.weight_variance": [float("nan")]}},
            ['sweep."model.weight_variance": nan'],
        ),
        ({"sweep": {"model.activation": ["erf", "foo"]}}, ['sweep."model.activation"', "'foo'"]),
        (
            {"sweep": {"seed": list(range(200)), "model.depth": list(range(1, 200))}},
            ["39800 points"],
        ),
        (
            {"limit": {"samples": 1000}},
            ["limit.samples: 1000 is not a power of two", "write 1024"],
        ),
        (
            {"limit": {"samples": 3000, "estimator": "derivative"}},
            ["limit.samples: 3000 is not a power of two", 'estimator "derivative" needs', "write 4096"],
        ),
        ({"limit": {"samples": 0}}, ["limit.samples: 0 is below 2"]),
        ({"limit": {"samples": 2**40}}, ["limit.samples: 1099511627776 is above"]),
        ({"limit": {"replicates": 1}}, ["limit.replicates: 1 is below 2"]),
        (
            {"limit": {"estimator": "qmc"}},
            ["limit.estimator: 'qmc' is not known", "'rqmc', 'mc' or 'derivative'"],
        ),
        ({"limit": [1]}, ["limit: [1] is not a table"]),
        ({"numerics": {"dtype": "float16"}}, ["numerics.dtype: 'float16' is not known"]),
        ({"numerics": {"microbatch": 0}}, ["numerics.microbatch: 0 is below 1"]),
        ({"numerics": {"threads": 0}}, ["numerics.threads: 0 is below 1"]),
        ({"numerics": {"device": "tpu"}}, ["numerics.device: 'tpu' is not known"]),
        (
            {"numerics": {"matrix": "tile"}},
            ["numerics.matrix: 'tile' is not known", "'auto', 'dense', 'tiled' or 'reve"],
        ),
        ({"verdict": {"tolerance": 0}}, ["verdict.tolerance: 0 is not above 0"]),
        ({"verdict": {"tolerance": float("nan")}}, ["verdict.tolerance: nan"]),
        ({"verdict": {"confidence": 1}}, ["verdict.confidence: 1 is not below 1"]),
    ],
)
def test_a_mistake_gets_one_line(table: dict[str, Any], parts: list[str]) -> None:
    message = message_of(table)
    for part in parts:
        assert part in message
    assert len(message) < 600


@pytest.mark.parametrize(
    "table",
    [
        {"experiment": "os:system"},
        {"experiment": "__import__('os').system('touch PWNED')"},
        {"experiment": "../ntk"},
        {"runtime_env": {"pip": ["evil"]}},
        {"env_vars": {"LD_PRELOAD": "evil.so"}},
        {"program": "evil:main"},
        {"__class__": "x"},
        {"model": {"__class__": "x"}},
        {"model": {"__init__": {"__globals__": 1}}},
        {"model": {"activation": "__import__('os').system('touch PWNED')"}},
        {"model": {"activation": "os.system"}},
        {"model": {"activation": "torch.nn.functional:relu"}},
        {"model": {"name": "../../evil"}},
        {"numerics": {"runtime_env": {}}},
        {"numerics": {"dtype": "__class__"}},
        {"sweep": {"model.__class__": ["x"]}},
        {"sweep": {"__class__.__bases__": ["x"]}},
        {"sweep": {"axes": {"numerics.dtype": ["float64"]}}},
        {"sweep": {"model.activation": ["erf", "os.system"]}},
        {"data": {"source": "file", "path": "../../etc/passwd"}},
        {"data": {"source": "file", "path": "a/../../b.npy"}},
        {"data": {"source": "file", "path": "http://evil/x.npy"}},
        {"data": {"source": "file", "path": "s3://evil/x.npy"}},
        {"data": {"source": "file", "path": "a\0b.npy"}},
        {"data": {"source": "file", "path": ""}},
        {"data": {"source": "file", "path": "x.npy"}, "sweep": {"data.path": ["../../x.npy"]}},
        {"data": {"source": "!!python/object/apply:os.system"}},
        {"out": "/etc/widthwise.run"},
    ],
)
def test_a_malicious_spec_is_refused(table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message_of(table)
    assert list(tmp_path.iterdir()) == []


def test_axes_come_in_the_order_of_their_keys() -> None:
    """A table has no order, and the order of the axes decides where the chunks of a point lie."""
    one = load_spec({"experiment": "ntk", "sweep": {"seed": [1, 2], "model.depth": [1, 2, 3]}})
    other = load_spec({"experiment": "ntk", "sweep": {"model": {"depth": [1, 2, 3]}, "seed": [1, 2]}})
    assert one == other
    assert list(one.sweep.axes) == list(other.sweep.axes) == ["model.depth", "seed"]


def test_points_are_row_major_and_resolved() -> None:
    spec = load_spec({"experiment": "ntk", "sweep": {"seed": [7, 8], "model.depth": [1, 2, 3]}})
    found = points(spec)
    assert [point.index for point in found] == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert [(point.spec.model.depth, point.spec.seed) for point in found] == [
        (1, 7), (1, 8), (2, 7), (2, 8), (3, 7), (3, 8)
    ]  # fmt: skip
    assert found[3].coordinates == {"model.depth": 2, "seed": 8}
    assert all(not point.spec.sweep.axes for point in found)


def test_a_spec_without_axes_is_one_point() -> None:
    spec = load_spec({"experiment": "ntk"})
    (point,) = points(spec)
    assert point.index == ()
    assert point.spec == spec


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.depth=5", ("model", "depth", 5)),
        ("model.activation=relu", ("model", "activation", "relu")),
        ('model.activation = "relu"', ("model", "activation", "relu")),
        ("sweep.width=[8, 16]", ("sweep", "width", (8, 16))),
        ("sweep.trials={8 = 4}", ("sweep", "trials", {8: 4})),
        ("limit.samples=2048", ("limit", "samples", 2048)),
        ("verdict.tolerance=1e-3", ("verdict", "tolerance", 1e-3)),
        ('sweep."model.depth"=[1,2]', ("sweep", "axes", {"model.depth": (1, 2)})),
        ("sweep.model.depth=[1,2]", ("sweep", "axes", {"model.depth": (1, 2)})),
    ],
)
def test_a_change_on_the_command_line(override: str, expected: tuple[str, str, object]) -> None:
    table = {"experiment": "ntk", "sweep": {"width": [8, 32], "trials": {"8": 2}}}
    section, key, value = expected
    assert getattr(getattr(load_spec(table, [override]), section), key) == value
    assert table["sweep"] == {"width": [8, 32], "trials": {"8": 2}}


@pytest.mark.parametrize(
    "override",
    [
        "",
        "=",
        "model.depth",
        "model.depth=",
        "=3",
        "model.depth=[",
        "model.depth=1\nseed=2",
        "model.depth=1979-05-27",
        "model.depth=relu",
        "model..depth=3",
        "model depth=3",
        "seed.x=3",
        "model.__class__=x",
        "runtime_env.pip=[]",
        "a." * 5000 + "a=1",
        "seed=" + "[" * 2000,
        "seed=" + "9" * 4200,
        "seed=nan",
    ],
)
def test_a_bad_change_is_refused(override: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec({"experiment": "ntk"}, [override])
    assert "\n" not in str(caught.value)


def test_relative_data_starts_at_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    path = tmp_path / "specs" / "spec.toml"
    path.write_text('experiment = "ntk"\n[data]\nsource = "file"\npath = "data/x.npy"\n')
    monkeypatch.chdir(tmp_path)
    assert load_spec("specs/spec.toml").data.path == str(tmp_path / "specs" / "data" / "x.npy")
    table = {"experiment": "ntk", "data": {"source": "file", "path": str(tmp_path / "x.npy")}}
    assert load_spec(table).data.path == str(tmp_path / "x.npy")
