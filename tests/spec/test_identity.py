"""Identity: every key that decides a number changes it, every key that only adds blocks does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from widthwise.plan import point_inputs
from widthwise.spec import Identity, differing, identity, load_spec, points

BASE: dict[str, Any] = {
    "experiment": "ntk",
    "data": {"source": "gaussian", "count": 3, "features": 4},
    "sweep": {"width": [8, 16], "trials": 4, "model.activation": ["erf", "relu"]},
}


def identity_of(*overrides: str) -> Identity:
    spec = load_spec(BASE, list(overrides))
    return identity(spec, point_inputs(points(spec)))


@pytest.mark.parametrize(
    "override",
    [
        "experiment=nngp",
        "seed=1",
        "model.depth=2",
        "model.weight_variance=1.5",
        "model.bias_variance=0.1",
        "data.count=4",
        "data.features=5",
        "data.source=sphere",
        'sweep."model.activation"=["relu", "erf"]',
        'sweep."model.activation"=["erf"]',
        "sweep.seed=[0, 1]",
        "limit.samples=1024",
        "limit.estimator=mc",
        "limit.estimator=derivative",
        "numerics.dtype=float64",
        "numerics.microbatch=4",
        "numerics.threads=2",
        "numerics.device=cuda",
        "numerics.matrix=dense",
        "numerics.matrix=tiled",
    ],
)
def test_what_decides_numbers_is_identity(override: str) -> None:
    assert identity_of(override).hash != identity_of().hash
    assert differing(identity_of().fields, identity_of(override).fields)


@pytest.mark.parametrize(
    "override",
    [
        "sweep.width=[8, 16, 32]",
        "sweep.trials=400",
        "sweep.trials={8 = 4, 16 = 2}",
        "limit.replicates=16",
        "verdict.tolerance=0.5",
        "verdict.confidence=0.9",
    ],
)
def test_what_adds_blocks_is_not(override: str) -> None:
    assert identity_of(override) == identity_of()


def test_the_identity_is_the_same_in_every_release_of_a_schema() -> None:
    """A changed hash makes every stored run foreign: change it only together with the schema version."""
    found = identity(load_spec(BASE), [np.arange(6, dtype=np.float64).reshape(2, 3)])
    assert found.fields["inputs"] == ["faedd921520af2a45088878b270f32d94bfc8320a57a64a99e4c0e60d28072e4"]
    assert found.hash == "101045755d05541f090262ab0a57d51baf93eb4f73bfedc12e6440d490986a87"


def test_inputs_are_compared_by_shape_and_value_not_by_layout_or_type() -> None:
    spec = load_spec({"experiment": "ntk"})
    array = np.arange(6, dtype=np.float64).reshape(2, 3)
    same = [array, np.asfortranarray(array), array.astype(">f8"), array.astype(np.int64), np.repeat(array, 2, 0)[::2]]
    assert len({identity(spec, [a]).hash for a in same}) == 1
    changed = array.copy()
    changed[1, 2] = np.nextafter(5.0, 6.0)
    assert len({identity(spec, [a]).hash for a in (array, array.reshape(3, 2), changed, array[:1])}) == 4


def test_differences_name_the_key_and_both_values() -> None:
    lines = differing(identity_of().fields, identity_of("model.depth=4", "seed=3").fields)
    assert "model.depth: 3 in the run, 4 in the spec" in lines
    assert "seed: 0 in the run, 3 in the spec" in lines
    assert "inputs: the data of the spec is not the data of the run" in lines
    assert len(lines) == 3


def test_a_key_that_only_one_of_them_has_is_a_difference() -> None:
    assert differing({"a": 1}, {"b": None, "c": 2}) == [
        "a: 1 in the run, nothing in the spec",
        "c: nothing in the run, 2 in the spec",
    ]
    assert differing({"a": [1, 2]}, {"a": [1, 2]}) == []


def test_where_a_file_lies_is_not_identity(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(3))
    np.save(tmp_path / "b.npy", np.eye(3))
    found = []
    for name in ("a.npy", "b.npy"):
        spec = load_spec({"experiment": "ntk", "data": {"source": "file", "path": str(tmp_path / name)}})
        found.append(identity(spec, point_inputs(points(spec))))
    assert found[0] == found[1]
