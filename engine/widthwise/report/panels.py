"""Panels: which curves stand together in the figure, a pure rearrangement of the curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.report.entries import Entry, entries, number, point_label
from widthwise.report.words import limit_phrase

Array = NDArray[np.float64]
METRICS = ("rms", "bias")
"""Drawn metrics; std all but covers rms and stands in the table."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One metric of one readout at one point of the sweep; arrays are (width,)."""

    label: str
    metric: str
    widths: Array
    value: Array
    low: Array
    high: Array
    noise_floor: Array
    slope: float
    slope_low: float
    slope_high: float
    prefactor: float
    correction: float
    expected_slope: float

    @property
    def used(self) -> NDArray[np.bool_]:
        """The widths of the fit: those before the first at which the value does not rise above the noise."""
        return np.logical_and.accumulate((self.value > self.noise_floor) & (self.low != 0))

    def fitted(self, widths: Array) -> Array:
        """The fitted power law with its correction; NaN if there is none."""
        return self.prefactor * widths**self.slope * np.exp(self.correction / widths)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Curves in one pair of axes."""

    title: str
    subtitle: str
    series: tuple[Series, ...]


def panels(curves: xr.Dataset, verdicts: xr.Dataset) -> tuple[tuple[Panel, ...], ...]:
    """Rows of panels, a column per readout.

    Without a sweep one row, each panel with all metrics; else a row per metric, each panel with all points.
    """
    by_readout: dict[str, list[Entry]] = {}
    for entry in entries(curves, verdicts):
        by_readout.setdefault(entry.readout, []).append(entry)
    if all(len(points) == 1 for points in by_readout.values()):
        return (tuple(_of_metrics(points[0]) for points in by_readout.values()),)
    return tuple(tuple(_of_points(points, metric) for points in by_readout.values()) for metric in METRICS)


def _of_metrics(entry: Entry) -> Panel:
    return Panel(
        title=entry.label,
        subtitle=limit_phrase(entry),
        series=tuple(_series(entry, metric, metric) for metric in METRICS),
    )


def _of_points(points: Sequence[Entry], metric: str) -> Panel:
    return Panel(
        title=f"{points[0].readout}, {metric}",
        subtitle="",
        series=tuple(_series(entry, metric, point_label(entry.point)) for entry in points),
    )


def _series(entry: Entry, metric: str, label: str) -> Series:
    curves = entry.curves.sel(metric=metric)
    return Series(
        label=label,
        metric=metric,
        widths=curves["width"].to_numpy().astype(np.float64),
        value=curves["value"].to_numpy(),
        low=curves["low"].to_numpy(),
        high=curves["high"].to_numpy(),
        noise_floor=curves["noise_floor"].to_numpy(),
        slope=number(curves, "slope"),
        slope_low=number(curves, "slope_low"),
        slope_high=number(curves, "slope_high"),
        prefactor=number(curves, "prefactor"),
        correction=number(curves, "correction"),
        expected_slope=number(curves, "expected_slope"),
    )
