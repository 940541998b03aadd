"""Panels: which curves stand together in the figure, a pure rearrangement of the curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.report.densities import Density, Law, densities
from widthwise.report.entries import Entry, ends, entries, number, point_label
from widthwise.report.palette import BLACK
from widthwise.report.profiles import ProfilePanel, profile_panel
from widthwise.report.sizes import SizePanel, size_panel
from widthwise.report.words import limit_phrase

Array = NDArray[np.float64]
METRICS = {"array": ("rms", "bias"), "law": ("w2",), "size": ("rms",)}
"""Drawn metrics of each kind of readout; std all but covers rms and stands in the table."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One metric of one readout at one point of the sweep; arrays are (width,), of the widths where it is known."""

    label: str
    metric: str
    widths: Array
    value: Array
    low: Array
    high: Array
    noise_floor: Array
    sample_floor: Array
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
    """Curves in one pair of axes; ``widths`` are all widths of the run."""

    title: str
    subtitle: str
    widths: Array
    series: tuple[Series, ...]


@dataclass(frozen=True, kw_only=True)
class LawPanel:
    """Densities in one pair of axes, over the same bins."""

    title: str
    subtitle: str
    densities: tuple[Density, ...]


AnyPanel = Panel | LawPanel | ProfilePanel | SizePanel
Row = tuple[AnyPanel | None, ...]


def panels(curves: xr.Dataset, verdicts: xr.Dataset) -> tuple[Row, ...]:
    """Rows of panels, a column per readout; None where nothing is to be drawn.

    Without a sweep the first row holds all metrics of a readout; else each panel shows one metric at all points, rms or
    w2 in the first row and bias in the second. Below the w2 of a law stands the law itself, below the curves of a
    readout with a profile, or whose size is the question, that.
    """
    by_readout: dict[str, list[Entry]] = {}
    for entry in entries(curves, verdicts):
        by_readout.setdefault(entry.readout, []).append(entry)
    columns = [_column(points) for points in by_readout.values()]
    rows = max(len(column) for column in columns)
    return tuple(tuple(column[row] if row < len(column) else None for column in columns) for row in range(rows))


def _column(points: Sequence[Entry]) -> list[AnyPanel]:
    metrics = METRICS[points[0].kind]
    curves = [_of_metrics(points[0], metrics)]
    if len(points) > 1:
        curves = [_of_points(points, metric) for metric in metrics]
    below = _law_panel(points) if points[0].is_law else profile_panel(points) or size_panel(points)
    return [*curves, *([below] if below else [])]


def _of_metrics(entry: Entry, metrics: Sequence[str]) -> Panel:
    return Panel(
        title=entry.label,
        subtitle="" if entry.is_size else limit_phrase(entry),
        widths=_widths(entry),
        series=tuple(_series(entry, metric, metric) for metric in metrics),
    )


def _of_points(points: Sequence[Entry], metric: str) -> Panel:
    return Panel(
        title=f"{points[0].readout}, {metric}",
        subtitle="",
        widths=_widths(points[0]),
        series=tuple(_series(entry, metric, point_label(entry.point)) for entry in points),
    )


def _law_panel(points: Sequence[Entry]) -> LawPanel:
    """The limit beside the smallest and the largest width; of a sweep, at each point, beside the largest."""
    narrow, wide = ends(points[0])
    if len(points) == 1:
        laws = [
            _law(points[0], "narrowest", f"n = {narrow:,}", 1),
            _law(points[0], "widest", f"n = {wide:,}", 0),
            _law(points[0], "limit", "limit", BLACK),
        ]
    else:
        laws = [_law(entry, "widest", "", colour) for colour, entry in enumerate(points)]
        laws += [_law(entry, "limit", point_label(entry.point), colour) for colour, entry in enumerate(points)]
    return LawPanel(
        title=f"{points[0].readout}, density",
        subtitle=f"lines: limits, areas: n = {wide:,}" if len(points) > 1 else "",
        densities=densities(laws),
    )


def _law(entry: Entry, law: str, label: str, colour: int) -> Law:
    quantiles = entry.curves["quantiles"].sel(law=law).to_numpy()
    return Law(label=label, colour=colour, filled=law == "widest", quantiles=quantiles)


def _widths(entry: Entry) -> Array:
    return entry.curves["width"].to_numpy().astype(np.float64)


def _series(entry: Entry, metric: str, label: str) -> Series:
    curves = entry.curves.sel(metric=metric)
    curves = curves.isel(width=curves["value"].notnull().to_numpy())
    return Series(
        label=label,
        metric=metric,
        widths=curves["width"].to_numpy().astype(np.float64),
        value=curves["value"].to_numpy(),
        low=curves["low"].to_numpy(),
        high=curves["high"].to_numpy(),
        noise_floor=curves["noise_floor"].to_numpy(),
        sample_floor=curves["sample_floor"].to_numpy(),
        slope=number(curves, "slope"),
        slope_low=number(curves, "slope_low"),
        slope_high=number(curves, "slope_high"),
        prefactor=number(curves, "prefactor"),
        correction=number(curves, "correction"),
        expected_slope=number(curves, "expected_slope"),
    )
