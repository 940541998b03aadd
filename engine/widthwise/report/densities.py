"""Densities: histograms of laws from their quantile functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from widthwise.reduce.shown_laws import cell_borders

Array = NDArray[np.float64]

BINS = 40
"""At most; never more than a law has cells, whose own steps would show."""


@dataclass(frozen=True, kw_only=True)
class Density:
    """A histogram of area 1, ``heights`` (bin,) between ``edges`` (bin + 1,), drawn as an area or as a line."""

    label: str
    colour: int
    filled: bool
    edges: Array
    heights: Array


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law to be drawn: its quantile function as means over equal cells, NaN where there is none."""

    label: str
    colour: int
    filled: bool
    quantiles: Array


def densities(laws: Sequence[Law]) -> tuple[Density, ...]:
    """Histograms of the known ones of ``laws`` over the same bins."""
    known = [replace(law, quantiles=law.quantiles[np.isfinite(law.quantiles)]) for law in laws]
    known = [law for law in known if law.quantiles.size]
    if not known:
        return ()
    edges = _edges([law.quantiles for law in known])
    return tuple(
        Density(
            label=law.label,
            colour=law.colour,
            filled=law.filled,
            edges=edges,
            heights=np.diff(_cumulative(law.quantiles, edges)) / np.diff(edges),
        )
        for law in known
    )


def _edges(quantiles: Sequence[Array]) -> Array:
    """Equal bins over all borders, and half a bin more on both sides, so that no atom lies on the outermost edges."""
    borders = np.concatenate([cell_borders(each) for each in quantiles])
    low, high, bins = borders.min(), borders.max(), min(BINS, *(each.size for each in quantiles))
    margin = 0.5 * (high - low) / bins or 0.5
    return np.linspace(low - margin, high + margin, bins + 2)


def _cumulative(quantiles: Array, x: Array) -> Array:
    """The distribution function, the mass of each cell spread evenly between its borders."""
    return np.interp(x, cell_borders(quantiles), np.linspace(0, 1, quantiles.size + 1))
