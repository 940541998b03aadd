"""Examples: the inputs of a network that is trained, and beside each what it shall give."""

import numpy as np

from widthwise.errors import SpecError
from widthwise.experiments.arrays import read_array
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import digit_labels, finite_rows, load_inputs
from widthwise.randomness import DATA, numpy_generator
from widthwise.training import Training

TARGETS = 1
"""Last element of the address of a row of random targets, beside that of the row of inputs."""


def examples(data: Data, training: Training, seed: int) -> np.ndarray:
    """The inputs that a spec asks for, each followed by its targets.

    Returns:
        Shape (input, feature + output), float64, finite.

    Raises:
        SpecError: the inputs or targets cannot be loaded, or ``train``, ``batch`` or ``outputs`` do not fit them.
    """
    inputs = load_inputs(data, seed)
    _require_enough(training, len(inputs))
    return np.concatenate([inputs, _targets(data, training, seed, len(inputs))], axis=1)


def _require_enough(training: Training, count: int) -> None:
    for key, value, most, what in (
        ("train", training.train, count, "inputs there are"),
        ("batch", training.batch, training.train or count, "inputs that are trained on"),
    ):
        if value is not None and value > most:
            message = f"training.{key}: {value} is more than the {most} {what}; allowed: 1 to {most}"
            raise SpecError(message)


def _targets(data: Data, training: Training, seed: int, count: int) -> np.ndarray:
    if training.targets == "labels":
        return _labels(data, training.outputs, count)
    if training.targets == "file":
        return _of_file(data, training, count)
    rows = [numpy_generator(seed, DATA, row, TARGETS).standard_normal(training.outputs) for row in range(count)]
    return np.stack(rows)


def _labels(data: Data, outputs: int, count: int) -> np.ndarray:
    """1 and -1 for odd and even digits; of ten outputs 1 for the digit and 0 for the rest."""
    if data.source != "digits":
        message = f'training.targets: "labels" are those of data.source = "digits", not of {data.source!r}'
        raise SpecError(message)
    labels = digit_labels()[:count]
    return np.eye(10)[labels] if outputs > 1 else (2.0 * (labels % 2) - 1)[:, None]


def _of_file(data: Data, training: Training, count: int) -> np.ndarray:
    if data.source != "file":
        message = f'training.targets: "file" is that of data.source = "file", and {data.source!r} has none'
        raise SpecError(message)
    place = f"{training.target_name!r} of {data.path}"
    array = _read(str(data.path), training.target_name)
    array = array[:, None] if array.ndim == 1 else array
    targets = finite_rows(array, f"training.target_name: {place}", "(input,) or (input, output)")[:count]
    if len(targets) < count:
        message = (
            f"training.target_name: {place} has {len(targets)} rows; allowed: at least one for each of {count} inputs"
        )
        raise SpecError(message)
    if targets.shape[1] != training.outputs:
        message = f"training.outputs: {training.outputs} is not the number of columns of {place}, {targets.shape[1]}"
        raise SpecError(message)
    if training.loss == "cross_entropy":
        _require_labels(targets, place)
    return targets


def _read(path: str, name: str | None) -> np.ndarray:
    try:
        return read_array(path, name)
    except SpecError as error:
        key, _, rest = str(error).partition(": ")
        message = f"{'training.target_name' if key == 'data.name' else key}: {rest}"
        raise SpecError(message) from None


def _require_labels(targets: np.ndarray, place: str) -> None:
    """Of cross-entropy: one output is 1 or -1, several are a distribution."""
    alone = targets.shape[1] == 1
    fits = np.abs(targets[:, 0]) == 1 if alone else (targets >= 0).all(1) & (np.abs(targets.sum(1) - 1) < 1e-6)
    if not fits.all():
        row, rule = int(np.flatnonzero(~fits)[0]), "1 or -1" if alone else "numbers from 0 that add up to 1"
        message = f'training.loss: "cross_entropy" needs {rule}, which row {row} of {place} is not'
        raise SpecError(message)
