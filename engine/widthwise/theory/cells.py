"""Cells of (0, 1): where the quantile function of a law is averaged, so that a law is a short array of numbers."""

from typing import Literal

import numpy as np
from scipy import special

from widthwise.errors import SpecError
from widthwise.theory.kernels import Array

Spacing = Literal["even", "tails"]

REACH = 20.0
"""Logit of the outermost border of cells that reach into the tails: beyond it lies a part 2e-9 of the law."""


def borders(spacing: Spacing, cells: int) -> Array:
    r"""Borders of ``cells`` cells, from 0 to 1.

    ``even`` cells have equal masses. Those with ``tails`` are even in the logit :math:`\log p / (1 - p)`: the distance
    W2 between n samples of a law and the law itself lies in the tails as much as in the middle, up to masses of 1/n,
    where even cells would hide it.

    Args:
        spacing: see above.
        cells: at least 1.

    Returns:
        Shape (cells + 1,), ascending.

    Raises:
        SpecError: if there is no cell.
    """
    if cells < 1:
        message = f"cells: {cells} is below 1; a quantile function needs at least one cell"
        raise SpecError(message)
    if spacing == "even":
        return np.arange(cells + 1) / cells
    inner = special.expit(np.linspace(-REACH, REACH, cells + 1)[1:-1])
    return np.concatenate([[0.0], inner, [1.0]])


def cell_means(x: Array, borders: Array) -> Array:
    """Means of the empirical quantile function of samples over cells of (0, 1).

    A sample that reaches over the border of a cell counts in both with the part that lies there.

    Weighted by the masses of the cells the root mean square difference between two laws' means is their distance W2, up
    to what the quantile functions differ by within cells.

    Args:
        x: shape (..., sample), in any order.
        borders: shape (cell + 1,), ascending from 0 to 1.

    Returns:
        Shape (..., cell), ascending.

    Raises:
        SpecError: if there is no sample.
    """
    samples = sorted_samples(x)
    count = samples.shape[-1]
    places = borders * count
    cuts = np.union1d(np.arange(count + 1.0), places)
    sample = np.minimum(cuts[:-1].astype(np.int64), count - 1)
    parts = samples[..., sample] * np.diff(cuts)
    return np.add.reduceat(parts, np.searchsorted(cuts, places[:-1]), axis=-1) / np.diff(places)


def sorted_samples(x: Array) -> Array:
    """Samples in ascending order, shape (..., sample), at least one.

    Raises:
        SpecError: if there is none.
    """
    samples = np.sort(np.asarray(x, dtype=np.float64), axis=-1)
    if samples.shape[-1] == 0:
        message = f"samples: an array of shape {samples.shape} has none on its last axis; a law needs at least one"
        raise SpecError(message)
    return samples
