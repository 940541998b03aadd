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
        inputs = _checked(read_array(str(data.path), data.name), str(data.path))
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
    try:
        from sklearn.datasets import load_digits  # the optional extra `data`
    except ImportError:
        message = "data.source: 'digits' needs scikit-learn; run: pip install 'widthwise[data]'"
        raise SpecError(message) from None
    images: np.ndarray = load_digits().data.astype(np.float64)
    centred = images - images.mean(axis=1, keepdims=True)
    digits: np.ndarray = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True))
    return digits


def _checked(array: np.ndarray, path: str) -> np.ndarray:
    if array.dtype.kind not in "fiub":
        message = f"data.path: {path} holds values of type {array.dtype}; allowed: real numbers"
        raise SpecError(message)
    if array.ndim != 2 or 0 in array.shape:
        message = f"data.path: {path} has shape {array.shape}; allowed: (input, feature), at least one of each"
        raise SpecError(message)
    inputs = array.astype(np.float64)
    if not np.isfinite(inputs).all():
        row = int(np.flatnonzero(~np.isfinite(inputs).all(axis=1))[0])
        message = f"data.path: {path} has a value that is NaN or infinite in row {row}; inputs must be finite"
        raise SpecError(message)
    return inputs
