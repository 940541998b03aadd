"""Coordinates: which sizes of a coordinate check stand together in its figure, a pure rearrangement of the curves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.report.entries import Entry, entries, meaning, number, point_label
from widthwise.store import Run

Array = NDArray[np.float64]

GROUPS = (
    ("before training", re.compile(r"(state_\d+|function)(?:_start)?")),
    ("change by the first step", re.compile(r"(change_\w+|function)_first")),
    ("change by all steps", re.compile(r"(change_\w+|function)_last")),
    ("input of Q, first step", re.compile(r"update_(input_\w+)_first")),
    ("input of Q, last step", re.compile(r"update_(input_\w+)_last")),
)
"""Rows of the figure: what they show, and the names of what stands in them; in brackets the name of a line."""

NAMES = {"function": "f", "change_readout": "readout", "input_output": "output"}
VERDICTS = {"yes": "pass", "no": "FAIL", "undetermined": "undecided"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A size against the width, arrays (width,) of those at which it is positive, with its verdict in words."""

    label: str
    widths: Array
    values: Array
    low: Array
    high: Array
    slope: float
    slope_low: float
    slope_high: float
    expected: float
    verdict: str


@dataclass(frozen=True, kw_only=True)
class CoordinatePanel:
    """Lines in one pair of axes; ``widths`` are all widths of the run."""

    title: str
    subtitle: str
    widths: Array
    lines: tuple[Line, ...]


Column = tuple[CoordinatePanel, ...]


def has_coordinates(run: Run) -> bool:
    """Whether a run is a coordinate check."""
    return run.record.spec["experiment"] == "coordinate_check"


def coordinate_panels(curves: xr.Dataset, verdicts: xr.Dataset) -> tuple[Column, ...]:
    """A column for each point of the sweep, a panel for each kind of size that was measured."""
    by_point: dict[str, list[Entry]] = {}
    for entry in entries(curves, verdicts):
        by_point.setdefault(point_label(entry.point), []).append(entry)
    return tuple(_column(label, found) for label, found in by_point.items())


def _column(label: str, found: Sequence[Entry]) -> Column:
    matched = [(what, [(entry, m) for entry in found if (m := name.fullmatch(entry.readout))]) for what, name in GROUPS]
    return tuple(_panel(label, what, [(entry, m[1]) for entry, m in group]) for what, group in matched if group)


def _panel(label: str, what: str, group: Sequence[tuple[Entry, str]]) -> CoordinatePanel:
    lines = tuple(_line(entry, name) for entry, name in group)
    return CoordinatePanel(
        title=", ".join([*([label] if label else []), what]),
        subtitle=_judged([line.verdict for line in lines if line.verdict]),
        widths=group[0][0].curves["width"].to_numpy().astype(np.float64),
        lines=lines,
    )


def _judged(words: Sequence[str]) -> str:
    """``4 of 5 slopes as predicted``; nothing is predicted of the rest."""
    return f"{words.count('pass')} of {len(words)} slopes as predicted" if words else "no slope is predicted"


def _line(entry: Entry, name: str) -> Line:
    curves = entry.curves.sel(metric="rms")
    curves = curves.isel(width=(curves["value"] > 0).to_numpy())
    expected = number(curves, "expected_slope")
    return Line(
        label=NAMES.get(name, name.rpartition("_")[2]),
        widths=curves["width"].to_numpy().astype(np.float64),
        values=curves["value"].to_numpy(),
        low=curves["low"].to_numpy(),
        high=curves["high"].to_numpy(),
        slope=number(curves, "slope"),
        slope_low=number(curves, "slope_low"),
        slope_high=number(curves, "slope_high"),
        expected=expected,
        verdict=VERDICTS[meaning(entry.verdicts.sel(metric="rms"), "consistent")] if expected == expected else "",
    )
