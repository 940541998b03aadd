"""Examples: inputs with their targets, and the one line for what cannot be trained on."""

from pathlib import Path

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.experiments import EXPERIMENTS, Kind
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import load_inputs
from widthwise.experiments.targets import examples
from widthwise.plan import point_inputs
from widthwise.spec import load_spec, points
from widthwise.training import Training

GAUSSIAN = Data(source="gaussian", count=6, features=3)
INPUTS = np.sin(np.arange(12.0)).reshape(4, 3)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """A file of four inputs, with targets beside them."""
    arrays = {
        "x": INPUTS,
        "y": np.array([1, -1, 1, 1]),
        "z": np.arange(8.0).reshape(4, 2) / 7,
        "p": np.array([[0.25, 0.75], [1, 0], [0, 1], [0.5, 0.5]]),
        "few": np.ones(3),
        "bad": np.array([1.0, np.nan, 1.0, 1.0]),
        "deep": np.ones((4, 1, 1)),
        "words": np.array(["a"] * 4),
    }
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    return Data(source="file", path=str(tmp_path / "a.npz"), name="x")


def of_file(name: str, **table: object) -> Training:
    return Training.model_validate({"targets": "file", "target_name": name, **table})


def refused(data: Data, training: Training) -> str:
    with pytest.raises(SpecError) as caught:
        examples(data, training, 0)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_inputs_come_first_and_are_what_they_are_without_targets() -> None:
    found = examples(GAUSSIAN, Training(outputs=2), 7)
    assert found.shape == (6, 5)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found[:, :3], load_inputs(GAUSSIAN, 7))


def test_random_targets_are_standard_normal_numbers_of_their_own_address() -> None:
    """Mean, variance and correlation of 64,000 numbers within 5 standard errors: a false alarm once in 5e5 seeds."""
    data = Data(source="gaussian", count=1000, features=64)
    found = examples(data, Training(outputs=64), 0)
    x, y = found[:, :64], found[:, 64:]
    assert abs(y.mean()) < 5 / np.sqrt(y.size)
    assert abs(y.var() - 1) < 5 * np.sqrt(2 / y.size)
    assert abs((x * y).mean()) < 5 / np.sqrt(y.size)


def test_random_targets_depend_on_the_seed_and_not_on_how_many_there_are() -> None:
    few, many = (examples(Data(source="gaussian", count=c, features=3), Training(outputs=2), 5) for c in (3, 9))
    np.testing.assert_array_equal(few, many[:3])
    one = examples(Data(source="gaussian", count=3, features=3), Training(), 5)
    np.testing.assert_array_equal(one, few[:, :4])
    other = examples(Data(source="gaussian", count=3, features=3), Training(outputs=2), 6)
    assert not np.isclose(few, other).any()


def test_labels_of_the_digits() -> None:
    """The first ten images are one of each digit, in their order."""
    data = Data(source="digits", count=10)
    parity = examples(data, Training(targets="labels"), 0)
    np.testing.assert_array_equal(parity[:, 64], [-1, 1] * 5)
    one_hot = examples(data, Training(targets="labels", outputs=10, loss="cross_entropy"), 0)
    np.testing.assert_array_equal(one_hot[:, 64:], np.eye(10))
    np.testing.assert_array_equal(one_hot[:, :64], load_inputs(data, 0))


def test_targets_of_a_file(data: Data) -> None:
    np.testing.assert_array_equal(examples(data, of_file("y"), 0), np.column_stack([INPUTS, [1, -1, 1, 1]]))
    found = examples(data.model_copy(update={"count": 2}), of_file("z", outputs=2), 0)
    np.testing.assert_array_equal(found, np.column_stack([INPUTS, np.arange(8).reshape(4, 2) / 7])[:2])
    assert examples(data, of_file("p", outputs=2, loss="cross_entropy"), 0).shape == (4, 5)
    assert examples(data, of_file("y", loss="cross_entropy"), 0).shape == (4, 4)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (of_file("t"), "training.target_name: 't' is not in the file; allowed: bad, deep, few, p, words, x, y, z"),
        (of_file("few"), "training.target_name: 'few' of"),
        (of_file("few"), "has 3 rows; allowed: at least one for each of 4 inputs"),
        (of_file("bad"), "has a value that is NaN or infinite in row 1"),
        (of_file("deep"), "has shape (4, 1, 1); allowed: (input,) or (input, output)"),
        (of_file("words"), "holds values of type <U1"),
        (of_file("z"), "training.outputs: 1 is not the number of columns of 'z' of"),
        (of_file("y", outputs=3), "training.outputs: 3 is not the number of columns"),
        (of_file("z", outputs=2, loss="cross_entropy"), 'training.loss: "cross_entropy" needs numbers from 0 that add'),
        (of_file("few", loss="cross_entropy"), "has 3 rows"),
        (Training(targets="labels"), 'training.targets: "labels" are those of data.source = "digits", not of \'file\''),
        (Training(train=5), "training.train: 5 is more than the 4 inputs there are; allowed: 1 to 4"),
        (Training(batch=5), "training.batch: 5 is more than the 4 inputs that are trained on; allowed: 1 to 4"),
    ],
)
def test_what_cannot_be_trained_on_is_one_line(data: Data, training: Training, message: str) -> None:
    assert message in refused(data, training)
    assert refused(data, training).startswith("training.")


def test_labels_of_cross_entropy_of_one_output_are_signs(data: Data) -> None:
    np.savez(str(data.path), x=INPUTS, y=np.array([1.0, -1.0, 0.0, 1.0]))
    message = refused(data, of_file("y", loss="cross_entropy"))
    assert message.startswith('training.loss: "cross_entropy" needs 1 or -1, which row 2 of')


def test_a_file_of_one_array_holds_no_targets(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", INPUTS)
    data = Data(source="file", path=str(tmp_path / "a.npy"))
    assert refused(data, of_file("y")).startswith("training.target_name: 'y' has no meaning for .npy")
    assert refused(GAUSSIAN, of_file("y")).startswith('training.targets: "file" is that of data.source = "file"')


def test_points_that_train_alike_share_examples_and_every_point_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind(
        name="probe",
        summary="",
        assumptions="",
        source="",
        readouts=(),
        home="",
        tables=frozenset({"model", "data", "training", "optimizer"}),
    )
    monkeypatch.setitem(EXPERIMENTS, "probe", kind)  # type: ignore[arg-type]
    table = {"experiment": "probe", "data": {"source": "sphere", "count": 4}, "training": {"outputs": 2}}
    rates = point_inputs(points(load_spec({**table, "sweep": {"optimizer.learning_rate": [0.1, 0.2]}})))
    assert rates[0] is rates[1]
    assert rates[0].shape == (4, 18)
    seeds = point_inputs(points(load_spec({**table, "sweep": {"seed": [0, 1]}})))
    assert not np.isclose(seeds[0], seeds[1]).any()
    with pytest.raises(SpecError, match=r"^training\.batch: 5 is more than the 4 inputs"):
        point_inputs(points(load_spec({**table, "sweep": {"training.batch": [2, 5]}})))
    targets = {
        "data": {"source": "digits", "count": 4},
        "training": {},
        "sweep": {"training.targets": ["labels", "random"]},
    }
    labels, random = point_inputs(points(load_spec({"experiment": "probe", **targets})))
    np.testing.assert_array_equal(labels[:, :64], random[:, :64])
    assert set(labels[:, 64]) == {-1, 1}
    assert not set(random[:, 64]) & {-1, 1}
