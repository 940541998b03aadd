"""Spectra: what three routes say of the distribution function of a Jacobian's spectrum, a rearrangement of results."""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.reduce.samples import Samples, samples, sweep_axes
from widthwise.reduce.shown_laws import cell_borders
from widthwise.report.entries import point_label
from widthwise.store import Run
from widthwise.theory.jacobi import cdf_bounds

Array = NDArray[np.float64]

MOST_POINTS = 6
"""Points of a sweep that are shown."""

PLACES = 240

LOWEST = 1e-4
"""The smallest squared singular value that is shown, by the largest."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Chebyshev-Markov-Stieltjes bounds at the places of a panel, of mean recurrence coefficients."""

    label: str
    low: Array
    high: Array


@dataclass(frozen=True, kw_only=True)
class SpectrumPanel:
    """Distribution functions at ``places``: ``dense`` of singular values, ``exact`` in the limit; None if unknown."""

    title: str
    places: Array
    bounds: tuple[Bounds, ...]
    dense: Array | None
    dense_width: int
    exact: Array | None


@dataclass(frozen=True, kw_only=True)
class Spectra:
    """``points`` says how many points the sweep has."""

    panels: tuple[SpectrumPanel, ...]
    points: int


def has_spectra(run: Run) -> bool:
    """Whether a run holds recurrence coefficients of a spectrum."""
    return run.record.spec["experiment"] == "jacobian_spectrum"


def spectra(tree: xr.DataTree) -> Spectra:
    """Of a run for which `has_spectra`, a panel for each of the first points of its sweep."""
    trials = tree["trials"].to_dataset()
    axes: list[Hashable] = [*sweep_axes(trials)]
    places = itertools.product(*(range(trials.sizes[axis]) for axis in axes))
    points = [dict(zip(axes, place, strict=True)) for place in places]
    return Spectra(panels=tuple(_panel(tree, trials, point) for point in points[:MOST_POINTS]), points=len(points))


def _panel(tree: xr.DataTree, trials: xr.Dataset, point: Mapping[Hashable, int]) -> SpectrumPanel:
    alpha, beta, law = (samples(tree, name, point) for name in ("alpha", "beta", "spectrum"))
    here = trials.isel(point)
    title = point_label({str(axis): here[axis].item() for axis in point}) or "all singular values"
    dense, width = _dense(law)
    largest = max((rows.max() for rows in (dense, law.exact) if rows is not None), default=_reach(alpha, beta))
    places = largest * np.geomspace(LOWEST, 1.05, PLACES)
    routes = [("bounds by Lanczos in the limit", alpha.limit, beta.limit)]
    routes += [(f"bounds by Lanczos, n = {alpha.widths[-1]:,.0f}", alpha.trials[-1], beta.trials[-1])]
    return SpectrumPanel(
        title=title,
        places=places,
        bounds=tuple(_bounds(label, a, b, places) for label, a, b in routes if len(a)),
        dense=None if dense is None else _pooled(dense, places),
        dense_width=width,
        exact=None if law.exact is None else _pooled(law.exact.reshape(1, -1), places),
    )


def _dense(law: Samples) -> tuple[Array | None, int]:
    """Quantiles (trial, cell) of the widest network whose singular values were computed, and its width."""
    for width, rows in zip(law.widths[::-1], law.trials[::-1], strict=True):
        if len(rows) and np.isfinite(rows).all():
            return rows, int(width)
    return None, 0


def _reach(alpha: Samples, beta: Samples) -> float:
    """A number above the spectrum, by the discs of Gershgorin."""
    a, b = (each.limit if len(each.limit) else each.trials[-1] for each in (alpha, beta))
    return float((a + 2 * b).max())


def _bounds(label: str, alpha: Array, beta: Array, places: Array) -> Bounds:
    low, high = cdf_bounds(alpha.mean(axis=0), beta.mean(axis=0), places)
    return Bounds(label=label, low=low, high=high)


def _pooled(quantiles: Array, places: Array) -> Array:
    """Mean distribution function of quantile functions (trial, cell)."""
    levels = np.linspace(0, 1, quantiles.shape[1] + 1)
    return np.mean([np.interp(places, cell_borders(row), levels) for row in quantiles], axis=0)
