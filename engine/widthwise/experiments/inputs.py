"""The inputs of a network, made or read."""

import numpy as np

from widthwise.errors import SpecError
from widthwise.experiments.arrays import read_array
from widthwise.experiments.data import Data
from widthwise.randomness import DATA, numpy_generator

DEFAULT_COUNT = 8
DEFAULT_FEATURES = 16


def load_inputs(data: Data, seed: int) -> np.ndarray:
    """The inputs that a spec asks for.

    Returns:
        Shape (input, feature), float64, finite.

    Raises:
        SpecError: names ``data.path``, ``data.name`` or ``data.count``, what was found and what is allowed.
    """
    if data.source == "file":
        inputs = finite_rows(read_array(str(data.path), data.name), f"data.path: {data.path}", "(input, feature)")
    elif data.source == "digits":
        inputs = _digits()
    else:
        return _random(data, seed)
    count = data.count or (len(inputs) if data.source == "file" else DEFAULT_COUNT)
    if count > len(inputs):
        message = f"data.count: {count} is more than the {len(inputs)} inputs there are; ask for at most {len(inputs)}"
        raise SpecError(message)
    return np.ascontiguousarray(inputs[:count])


def _random(data: Data, seed: int) -> np.ndarray:
    """Standard normal rows, on the sphere scaled to squared norm ``features``; each row has an address of its own."""
    features = data.features or DEFAULT_FEATURES
    rows = np.stack(
        [numpy_generator(seed, DATA, row).standard_normal(features) for row in range(data.count or DEFAULT_COUNT)]
    )
    if data.source == "sphere":
        rows *= np.sqrt(features / np.square(rows).sum(axis=1, keepdims=True))
    return rows


def _digits() -> np.ndarray:
    """scikit-learn's handwritten digits of 8 x 8 pixels in their order, which begins with one image of each digit.

    Each image has mean 0 and mean square 1.
    """
    images = _scanned()[0].astype(np.float64)
    centred = images - images.mean(axis=1, keepdims=True)
    digits: np.ndarray = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True))
    return digits


def digit_labels() -> np.ndarray:
    """Which digit each image shows, 0 to 9, shape (input,)."""
    return _scanned()[1]


def _scanned() -> tuple[np.ndarray, np.ndarray]:
    """Images as rows, and which digit each of them shows."""
    try:
        from sklearn.datasets import load_digits  # the optional extra `data`
    except ImportError:
        message = "data.source: 'digits' needs scikit-learn; run: pip install 'widthwise[data]'"
        raise SpecError(message) from None
    images, labels = load_digits(return_X_y=True)
    return images, labels


def finite_rows(array: np.ndarray, what: str, shape: str) -> np.ndarray:
    """An array that a file holds as float64, two-dimensional.

    Args:
        array: as it was read.
        what: its key and its place, which an error begins with.
        shape: the shape it may have, in words.

    Raises:
        SpecError: it has another shape, or holds anything but finite real numbers.
    """
    if array.dtype.kind not in "fiub":
        message = f"{what} holds values of type {array.dtype}; allowed: real numbers"
        raise SpecError(message)
    if array.ndim != 2 or 0 in array.shape:
        message = f"{what} has shape {array.shape}; allowed: {shape}, at least one of each"
        raise SpecError(message)
    rows = array.astype(np.float64)
    if not np.isfinite(rows).all():
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        message = f"{what} has a value that is NaN or infinite in row {row}; all must be finite"
        raise SpecError(message)
    return rows
