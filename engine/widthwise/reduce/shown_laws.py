"""Shown laws: what a readout that is a law looks like in the limit and at the smallest and the largest width."""

import numpy as np

from widthwise.reduce.samples import Array, Samples

LAWS = ("limit", "narrowest", "widest")
"""Which laws: the limit, and those of the smallest and largest computed width pooled over the trials."""

CELLS = 512
"""Even cells of the laws that are shown, at most."""

LEVELS = 8
"""Values that stand for the mass of a cell when laws are pooled, at most: cells finer than those shown need fewer."""


def shown_laws(samples: Samples, limit: Array) -> Array:
    """Quantile functions of LAWS over even cells; of a readout with leading dimensions those of the first law.

    Args:
        samples: trials of at least one width.
        limit: the limit, (size,).

    Returns:
        (law, cell); NaN where nothing is known, and for a readout that is no law.
    """
    shown = np.full((len(LAWS), CELLS), np.nan)
    if not samples.cells:
        return shown
    computed = [rows for rows in samples.trials if len(rows)]
    for law, rows in zip(shown, [limit[None], *computed[:1], *computed[-1:]], strict=False):
        law[:] = _pooled(rows[:, : samples.cells] / samples.weights, samples.borders)
    return shown


def cell_borders(quantiles: Array) -> Array:
    """Borders (..., cell + 1) of the cells' values: midway between neighbouring means, symmetric about the outermost.

    The mass of a cell spread evenly between its borders makes a law of the cells' means, atoms where they are equal.
    """
    between = (quantiles[..., :-1] + quantiles[..., 1:]) / 2
    if not between.shape[-1]:
        return np.repeat(quantiles, 2, axis=-1)
    first, last = 2 * quantiles[..., :1] - between[..., :1], 2 * quantiles[..., -1:] - between[..., -1:]
    return np.concatenate([first, between, last], axis=-1)


def _pooled(rows: Array, borders: Array) -> Array:
    """Quantile function, over even cells, of the mean law of quantile functions (trial, cell).

    The means themselves would cluster: the k-th one of every trial is at much the same place.
    """
    sides = cell_borders(rows)
    count = max(1, min(LEVELS, LEVELS * CELLS // rows.shape[1]))
    levels = (np.arange(count) + 0.5) / count
    values = (sides[:, :-1, None] + np.diff(sides)[..., None] * levels).reshape(-1)
    masses = np.broadcast_to(np.diff(borders)[:, None], (len(rows), rows.shape[1], count)).reshape(-1)
    order = np.argsort(values, kind="stable")
    reached = np.append(0.0, np.cumsum(masses[order]))
    integral = np.append(0.0, np.cumsum((values * masses)[order]))
    steps = np.arange(CELLS + 1) * (reached[-1] / CELLS)
    return np.diff(np.interp(steps, reached, integral)) / np.diff(steps)
