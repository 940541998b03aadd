"""Sample floor: how far independent samples of a law are from it on average, in the metric w2."""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from widthwise.randomness import DATA, numpy_generator
from widthwise.reduce.estimates import Estimates
from widthwise.reduce.samples import Array, Samples
from widthwise.theory.cells import Spacing, borders

REPETITIONS = 64
"""The floor is then known to 6 % or so; fixed draws, so that equal runs have equal floors."""

RANKS_PER_CELL = 4
"""Order statistics that are drawn, at most; the others stand at their conditional mean."""


def sample_floor(samples: Samples, estimates: Estimates) -> Array:
    r"""Root mean square distance W2 between n independent samples of the limit law and the law, relative as w2 is.

    n is the width. Not noise: w2 has this size where coordinates become independent samples of the limit. Where it is
    smaller the values repel one another, as eigenvalues do; where it is larger the law itself still differs.

    Returns:
        (width,); NaN without a limit, or for a readout that is no law.
    """
    if not samples.cells or not np.isfinite(estimates.reference.mean).all():
        return np.full(len(samples.widths), np.nan)
    laws = estimates.reference.mean.reshape(-1, samples.cells) / samples.weights
    squares = [mean_square_distance(laws, samples.spacing, int(width)) for width in samples.widths]
    return np.sqrt(np.array(squares) * estimates.reference.mean.size / estimates.norm)


def mean_square_distance(laws: Array, spacing: Spacing, count: int) -> float:
    r""":math:`E\,W_2^2` between ``count`` independent samples of a law and the law, both as means over quantile cells.

    Samples are :math:`Q(U_{(1)}) \leq \dots \leq Q(U_{(n)})` with the order statistics of uniform numbers, whose
    spacings are exponential up to a factor. Of many samples only some order statistics are drawn; given these, those
    between are independent and uniform, so that their mean is an integral of Q.

    Args:
        laws: quantile functions (law, cell), ascending; the mean over the laws is returned.
        spacing: of the cells.
        count: number of samples, at least 1.
    """
    return float(np.mean([_of_one(np.asarray(law, dtype=np.float64).tobytes(), spacing, count) for law in laws]))


@lru_cache(maxsize=512)
def _of_one(law_bytes: bytes, spacing: Spacing, count: int) -> float:
    """That of one law, remembered: points of a sweep share closed forms, and so does every look at a run under way."""
    law = np.frombuffer(law_bytes, dtype=np.float64)
    cells = borders(spacing, len(law))
    order, ranks = _order_statistics(count, spacing, RANKS_PER_CELL * len(law))
    return float(np.mean(np.square(_cell_means(law, cells, order, ranks) - law) @ np.diff(cells)))


def _cell_means(law: Array, cells: Array, order: Array, ranks: Array) -> Array:
    """Means over cells of the quantile function of samples (repetition, cell), from some of their order statistics."""
    rises = _rises(law, cells)
    between = np.diff(_integral(law, cells, rises, order)) / np.diff(order)
    totals = (np.diff(ranks) - 1) * between + _quantile(law, cells, rises, order[:, 1:])
    sums = np.pad(np.cumsum(totals, axis=1), ((0, 0), (1, 0)))
    places = cells * ranks[-1]
    upper = np.clip(np.searchsorted(ranks, places), 1, len(ranks) - 1)
    share = (places - ranks[upper - 1]) / (ranks[upper] - ranks[upper - 1])
    at_borders = sums[:, upper - 1] * (1 - share) + sums[:, upper] * share
    return np.diff(at_borders) / (np.diff(cells) * ranks[-1])


@cache
def _order_statistics(count: int, spacing: Spacing, most: int) -> tuple[Array, Array]:
    """Order statistics of ``count`` uniform numbers (repetition, rank), and which of them; a column of 0 in front."""
    ranks = np.unique(np.round(borders(spacing, most) * count))
    gaps = np.append(np.diff(ranks), 1.0)
    spacings = numpy_generator(0, DATA, count).standard_gamma(gaps, (REPETITIONS, len(gaps)))
    sums = np.pad(np.cumsum(spacings, axis=1), ((0, 0), (1, 0)))
    return sums[:, :-1] / sums[:, -1:], ranks


def _rises(law: Array, cells: Array) -> Array:
    """Rise of the quantile function within each cell: by the smaller slope to both neighbours, 0 beside an atom.

    At both ends that of the neighbouring cell, so that two atoms stay two atoms.
    """
    middles = (cells[1:] + cells[:-1]) / 2
    slopes = np.diff(law) / np.diff(middles)
    if len(slopes) < 2:
        return np.zeros_like(law)
    inner = np.minimum(slopes[:-1], slopes[1:])
    return np.concatenate([inner[:1], inner, inner[-1:]]) * np.diff(cells)


def _quantile(law: Array, cells: Array, rises: Array, levels: Array) -> Array:
    """The quantile function that is linear in each cell, with the cells' means and rises."""
    cell, within = _located(cells, levels)
    return law[cell] + rises[cell] * (within - 0.5)


def _integral(law: Array, cells: Array, rises: Array, levels: Array) -> Array:
    """Its integral from 0."""
    cell, within = _located(cells, levels)
    masses = np.diff(cells)
    whole = np.append(0.0, np.cumsum(law * masses))[cell]
    return whole + masses[cell] * (law[cell] * within + rises[cell] * within * (within - 1) / 2)


def _located(cells: Array, levels: Array) -> tuple[NDArray[np.int64], Array]:
    """The cell that holds each level, and how far into it the level lies, from 0 to 1."""
    cell = np.clip(np.searchsorted(cells, levels, side="right") - 1, 0, len(cells) - 2)
    return cell, (levels - cells[cell]) / (cells[cell + 1] - cells[cell])
