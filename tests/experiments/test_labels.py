"""Labelled examples: inputs with their class, and the one line for what has none."""

from pathlib import Path

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import digit_labels, load_inputs
from widthwise.experiments.labels import labelled
from widthwise.plan import point_inputs
from widthwise.spec import load_spec, points

INPUTS = np.sin(np.arange(12.0)).reshape(4, 3)
LABELS = np.array([7, -1, 3, 7])
CLASSES = [2, 0, 1, 2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    arrays = {
        "x": INPUTS,
        "y": LABELS,
        "column": LABELS[:, None],
        "few": LABELS[:3],
        "two": np.stack([LABELS, LABELS], 1),
        "same": np.ones(4),
        "real": np.array([0.5, 1, 2, 3]),
        "words": np.array(["a", "b", "a", "b"]),
    }
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    np.savetxt(tmp_path / "a.csv", np.column_stack([INPUTS, LABELS]), delimiter=",")
    np.save(tmp_path / "thin.npy", np.ones((4, 1)))
    return tmp_path / "a.npz"


def test_digits_are_followed_by_their_digit() -> None:
    found = labelled(Data(count=50), None, 0)
    assert found.shape == (50, 65)
    np.testing.assert_array_equal(found[:, :64], load_inputs(Data(count=50), 0))
    np.testing.assert_array_equal(found[:, 64], digit_labels()[:50])


@pytest.mark.parametrize("name", ["y", "column"])
def test_labels_of_a_file_are_an_array_of_it(file: Path, name: str) -> None:
    found = labelled(Data(source="file", path=str(file), name="x"), name, 0)
    np.testing.assert_array_equal(found, np.column_stack([INPUTS, CLASSES]))
    few = labelled(Data(source="file", path=str(file), name="x", count=3), "few", 0)
    np.testing.assert_array_equal(few, found[:3])


def test_without_a_name_they_are_the_last_column(file: Path) -> None:
    found = labelled(Data(source="file", path=str(file.with_suffix(".csv"))), None, 0)
    np.testing.assert_allclose(found, np.column_stack([INPUTS, CLASSES]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("z", "options.labels: 'z' is not in the file; allowed: column, few"),
        ("few", "options.labels: 'few' of .* has shape .3,.; allowed: one label for each of 4 inputs"),
        ("two", "options.labels: 'two' of .* has shape .4, 2.; allowed: one label for each of 4 inputs"),
        ("same", "options.labels: 'same' of .* have 1 labels, such as 1; allowed: 2 or more, whole numbers"),
        ("real", "options.labels: 'real' of .* have 4 labels, such as 0.5; allowed: 2 or more, whole numbers"),
        ("words", "options.labels: 'words' of .* holds values of type <U1; allowed: real numbers"),
    ],
)
def test_what_are_no_labels(file: Path, name: str, message: str) -> None:
    with pytest.raises(SpecError, match=f"^{message}"):
        labelled(Data(source="file", path=str(file), name="x"), name, 0)


def test_what_has_no_labels(file: Path) -> None:
    with pytest.raises(SpecError, match=r"^data.source: 'sphere' has no labels; allowed: 'digits', or 'file'"):
        labelled(Data(source="sphere"), None, 0)
    with pytest.raises(SpecError, match=r"^options.labels: 'y' has no meaning for data.source = 'digits'"):
        labelled(Data(), "y", 0)
    with pytest.raises(SpecError, match=r"^data.path: .* has one column; allowed: features and the label"):
        labelled(Data(source="file", path=str(file.with_name("thin.npy"))), None, 0)
    with pytest.raises(SpecError, match=r"^data.count: the digits have 1 labels, such as 0"):
        labelled(Data(count=1), None, 0)


def test_points_with_other_labels_have_other_inputs(file: Path) -> None:
    table = {
        "experiment": "spectrum_vs_accuracy",
        "data": {"source": "file", "path": str(file), "name": "x"},
        "sweep": {"options.labels": ["y", "column"], "options.epochs": [1, 2]},
    }
    found = point_inputs(points(load_spec(table)))
    assert len({id(inputs) for inputs in found}) == 2
    np.testing.assert_array_equal(found, found[:1] * 4)
