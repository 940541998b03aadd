"""Inputs: what each source gives, and the one line for a file that cannot be used."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr

from widthwise.errors import SpecError
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import load_inputs
from widthwise.plan import point_inputs
from widthwise.spec import load_spec, points

RNG = np.random.default_rng(0)
ARRAY = RNG.standard_normal((5, 3))


def load(path: Path, name: str | None = None, count: int | None = None) -> np.ndarray:
    return load_inputs(Data(source="file", path=str(path), name=name, count=count), 0)


def refused(path: Path, name: str | None = None) -> str:
    with pytest.raises(SpecError) as caught:
        load(path, name)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(("data.path: ", "data.name: "))
    return str(caught.value)


def test_digits_are_standardised_and_begin_with_one_of_each() -> None:
    from sklearn.datasets import load_digits

    inputs = load_inputs(Data(source="digits", count=12), 0)
    assert inputs.shape == (12, 64)
    assert inputs.dtype == np.float64
    np.testing.assert_allclose(inputs.mean(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(np.square(inputs).mean(axis=1), 1, rtol=1e-14)
    assert list(load_digits().target[:10]) == list(range(10))
    assert len(load_inputs(Data(), 0)) == 8


def test_digits_without_the_extra_say_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SpecError, match=r"pip install 'widthwise\[data\]'"):
        load_inputs(Data(source="digits"), 0)


def test_more_digits_than_there_are() -> None:
    with pytest.raises(SpecError, match=r"data.count: 4000 is more than the 1797 inputs"):
        load_inputs(Data(source="digits", count=4000), 0)


def test_the_sphere_has_its_radius() -> None:
    inputs = load_inputs(Data(source="sphere", count=20, features=7), 3)
    np.testing.assert_allclose(np.square(inputs).sum(axis=1), 7, rtol=1e-14)


def test_gaussian_inputs_are_standard_normal() -> None:
    """Mean and variance of 64,000 numbers within 4 standard errors: a false alarm once in 8,000 seeds."""
    inputs = load_inputs(Data(source="gaussian", count=64, features=1000), 0)
    count = inputs.size
    assert abs(inputs.mean()) < 4 / np.sqrt(count)
    assert abs(inputs.var() - 1) < 4 * np.sqrt(2 / count)


@pytest.mark.parametrize("source", ["gaussian", "sphere"])
def test_random_inputs_depend_on_the_seed_and_not_on_their_number(source: str) -> None:
    few = load_inputs(Data.model_validate({"source": source, "count": 3}), 5)
    many = load_inputs(Data.model_validate({"source": source, "count": 10}), 5)
    np.testing.assert_array_equal(few, many[:3])
    other = load_inputs(Data.model_validate({"source": source, "count": 3}), 6)
    assert not np.isclose(few, other).any()


def test_every_format_gives_the_same_array(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAY)
    np.savez(tmp_path / "one.npz", x=ARRAY)
    np.savez_compressed(tmp_path / "two.npz", x=ARRAY, y=ARRAY * 2)
    np.savetxt(tmp_path / "a.csv", ARRAY, delimiter=",")
    for version in (2, 3):
        zarr.save_array(tmp_path / f"array{version}.zarr", ARRAY, zarr_format=version)
        group = zarr.open_group(tmp_path / f"group{version}.zarr", mode="w", zarr_format=version)
        group.create_array("x", data=ARRAY)
        group.create_array("deep/y", data=ARRAY * 2)
        np.testing.assert_array_equal(load(tmp_path / f"array{version}.zarr"), ARRAY)
        np.testing.assert_array_equal(load(tmp_path / f"group{version}.zarr"), ARRAY)
        np.testing.assert_array_equal(load(tmp_path / f"group{version}.zarr", "deep/y"), ARRAY * 2)
    np.testing.assert_array_equal(load(tmp_path / "a.npy"), ARRAY)
    np.testing.assert_array_equal(load(tmp_path / "one.npz"), ARRAY)
    np.testing.assert_array_equal(load(tmp_path / "two.npz", "y"), ARRAY * 2)
    np.testing.assert_array_equal(load(tmp_path / "a.csv"), ARRAY)
    np.testing.assert_array_equal(load(tmp_path / "a.npy", count=2), ARRAY[:2])


def test_an_xarray_store_is_read_by_the_name_of_its_variable(tmp_path: Path) -> None:
    import xarray as xr

    dataset = xr.Dataset({"inputs": (("input", "feature"), ARRAY)}, coords={"input": range(5)})
    dataset.to_zarr(tmp_path / "data.zarr", zarr_format=3, consolidated=False)
    np.testing.assert_array_equal(load(tmp_path / "data.zarr", "inputs"), ARRAY)
    assert "allowed: input, inputs" in refused(tmp_path / "data.zarr")


@pytest.mark.parametrize("kind", [np.int32, np.uint8, np.float16, np.float32, np.bool_, ">f8"])
def test_real_numbers_of_any_type_become_float64(tmp_path: Path, kind: object) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 2)).astype(kind))  # type: ignore[call-overload]
    inputs = load(tmp_path / "a.npy")
    assert inputs.dtype == np.dtype("<f8")
    np.testing.assert_array_equal(inputs, np.ones((2, 2)))


@pytest.mark.parametrize(
    ("array", "part"),
    [
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "NaN or infinite in row 0"),
        (np.array([[1.0, 2.0], [0.0, np.inf]]), "NaN or infinite in row 1"),
        (np.zeros(3), "has shape (3,)"),
        (np.zeros((2, 2, 2)), "has shape (2, 2, 2)"),
        (np.zeros((0, 3)), "has shape (0, 3)"),
        (np.zeros((3, 0)), "has shape (3, 0)"),
        (np.float64(1.0), "has shape ()"),
        (np.array([["a", "b"]]), "values of type <U1"),
        (np.array([[1 + 2j]]), "values of type complex128"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "values of type datetime64"),
        (np.zeros((2, 2), dtype=[("a", "f8")]), "values of type"),
    ],
)
def test_an_array_that_is_no_input_is_refused(tmp_path: Path, array: np.ndarray, part: str) -> None:
    np.save(tmp_path / "a.npy", array)
    assert part in refused(tmp_path / "a.npy")


def test_files_that_are_missing_or_foreign(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,2")
    (tmp_path / "folder").mkdir()
    assert "does not exist" in refused(tmp_path / "missing.npy")
    assert "of no known format" in refused(tmp_path / "a.txt")
    assert "without zarr metadata" in refused(tmp_path / "folder")
    assert "of no known format" in refused(Path("/dev/zero"))
    np.save(tmp_path / "a.npy", ARRAY)
    np.savez(tmp_path / "a.npz", x=ARRAY, y=ARRAY)
    zarr.open_group(tmp_path / "empty.zarr", mode="w")
    assert "'x' has no meaning for .npy" in refused(tmp_path / "a.npy", "x")
    assert "data.name: is missing; allowed: x, y" in refused(tmp_path / "a.npz")
    assert "data.name: 'z' is not in the file; allowed: x, y" in refused(tmp_path / "a.npz", "z")
    assert "holds no array" in refused(tmp_path / "empty.zarr")
    assert "data." in refused(tmp_path / "empty.zarr", "../a.npy")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.npy", b""),
        ("a.npy", b"not numpy"),
        ("a.npy", b"\x93NUMPY\x01\x00\xff\xff"),
        ("a.npz", b""),
        ("a.npz", b"PK\x03\x04 broken"),
        ("a.csv", b""),
        ("a.csv", b"x,y\n1,2\n"),
        ("a.csv", b"1,2\n3\n"),
        ("a.csv", b"\x80\x81"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "cannot be read" in refused(tmp_path / name)


def test_a_header_that_promises_terabytes_takes_no_memory(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 64)
    assert "cannot be read" in refused(tmp_path / "a.npy")


class Bomb:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    fuse = tmp_path / "PWNED"
    objects = np.array([[Bomb(fuse)]], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", x=objects)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Bomb(fuse)))
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Bomb(fuse)))
    for name in ("a.npy", "a.npz", "b.npy", "b.npz"):
        assert "cannot be read" in refused(tmp_path / name)
    assert not fuse.exists()


def test_a_zarr_array_whose_codec_unpickles_is_refused(tmp_path: Path) -> None:
    fuse = tmp_path / "PWNED"
    store = tmp_path / "a.zarr"
    zarr.create_array(store, shape=(1, 1), chunks=(1, 1), dtype="f8", zarr_format=2, filters=None, compressors=None)
    import json

    metadata = json.loads((store / ".zarray").read_text())
    for place in ({"filters": [{"id": "pickle", "protocol": 5}]}, {"compressor": {"id": "pickle", "protocol": 5}}):
        (store / ".zarray").write_text(json.dumps(metadata | place))
        (store / "0.0").write_bytes(pickle.dumps(Bomb(fuse)))
        refused(store)
    assert not fuse.exists()


def test_points_of_a_sweep_share_data_and_have_the_same_number_of_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ARRAY)
    np.save(tmp_path / "b.npy", ARRAY[:4])
    table = {
        "experiment": "ntk",
        "data": {"source": "file", "path": "a.npy"},
        "sweep": {"data.path": ["a.npy", "b.npy"], "model.depth": [1, 2]},
    }
    with pytest.raises(SpecError, match=r"data\.count: the points of the sweep have 4 to 5 inputs; write count = 4"):
        point_inputs(points(load_spec(table, base=tmp_path)))
    inputs = point_inputs(points(load_spec(table, ["data.count=4"], base=tmp_path)))
    assert len(inputs) == 4
    assert inputs[0] is inputs[1]
    np.testing.assert_array_equal(inputs[0], inputs[2])
