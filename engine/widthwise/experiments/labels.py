"""Labelled examples: the inputs of a classifier, and after each the class that it belongs to."""

import numpy as np

from widthwise.errors import SpecError
from widthwise.experiments.arrays import read_array
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import digit_labels, finite_rows, load_inputs

FEWEST = 2
"""Classes below which there is nothing to tell apart."""


def labelled(data: Data, name: str | None, seed: int) -> np.ndarray:
    """The inputs that a spec asks for, each followed by its class, 0, 1, ... in ascending order of the labels.

    Args:
        data: digits have labels; of a file they are the array ``name`` or, without one, the last column of the inputs.
        name: of the array of labels inside of the file, (input,) or (input, 1).
        seed: of the spec.

    Returns:
        Shape (input, feature + 1), float64, finite.

    Raises:
        SpecError: inputs or labels cannot be loaded, there are none, or they are not those of at least two classes.
    """
    if data.source not in ("digits", "file"):
        message = f"data.source: {data.source!r} has no labels; allowed: 'digits', or 'file' for one that holds labels"
        raise SpecError(message)
    if data.source == "digits" and name is not None:
        message = f"options.labels: {name!r} has no meaning for data.source = 'digits', whose labels are known"
        raise SpecError(message)
    inputs = load_inputs(data, seed)
    if data.source == "digits":
        return _followed(inputs, digit_labels()[: len(inputs)], "data.count: the digits")
    if name is None:
        return _followed(*_last_column(inputs, data), f"data.path: the last column of {data.path}")
    return _followed(inputs, _of_file(str(data.path), name, len(inputs)), f"options.labels: {name!r} of {data.path}")


def _last_column(inputs: np.ndarray, data: Data) -> tuple[np.ndarray, np.ndarray]:
    if inputs.shape[1] == 1:
        message = (
            f"data.path: {data.path} has one column; allowed: features and the label as the last one, or name the "
            "array of labels with options.labels"
        )
        raise SpecError(message)
    return inputs[:, :-1], inputs[:, -1]


def _of_file(path: str, name: str, count: int) -> np.ndarray:
    try:
        array = read_array(path, name)
    except SpecError as error:
        key, _, rest = str(error).partition(": ")
        message = f"{'options.labels' if key == 'data.name' else key}: {rest}"
        raise SpecError(message) from None
    what = f"options.labels: {name!r} of {path}"
    rows = finite_rows(array[:, None] if array.ndim == 1 else array, what, "(input,) or (input, 1)")
    if rows.shape[1] != 1 or len(rows) < count:
        message = f"{what} has shape {array.shape}; allowed: one label for each of {count} inputs"
        raise SpecError(message)
    return rows[:count, 0]


def _followed(inputs: np.ndarray, labels: np.ndarray, what: str) -> np.ndarray:
    values, classes = np.unique(labels, return_inverse=True)
    if len(values) < FEWEST or (values != np.round(values)).any():
        message = f"{what} have {len(values)} labels, such as {values[0]:g}; allowed: {FEWEST} or more, whole numbers"
        raise SpecError(message)
    return np.concatenate([inputs, classes[:, None]], axis=1)
