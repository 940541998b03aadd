"""table: curves and verdicts as a rich renderable."""

import math
from itertools import groupby

import xarray as xr
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from widthwise.report.entries import Entry, entries, meaning, number
from widthwise.report.size_table import INSIDE, STYLES, size_table
from widthwise.report.words import (
    budget_words,
    limit_words,
    percent,
    reference_words,
    short,
    slope_words,
)


def table(curves: xr.Dataset, verdicts: xr.Dataset) -> RenderableType:
    """For each readout at each point of the sweep one row per width, the slopes, and the verdicts in words.

    Sizes that have no limit stand together, a table for each point and a row for each of them.

    Distances are relative to the norm of the limit. ``±12 %`` is an interval on the logarithmic scale (a factor of
    1.12 both ways); ``< x`` stands where no distance rises above the noise, which may hide one of x at most. Beside w2
    stands the distance of as many independent samples of the limit law as the width.
    """
    blocks: list[RenderableType] = []
    for (is_size, _), group in groupby(entries(curves, verdicts), key=lambda entry: (entry.is_size, entry.point)):
        if is_size:
            blocks += size_table(list(group))
        else:
            for entry in group:
                blocks += [_title(entry), _distances(entry), _verdicts(entry), Text()]
    return Group(*blocks)


def _title(entry: Entry) -> Text:
    confidence = percent(float(entry.curves.attrs["confidence"]))
    return Text(f"{entry.label}: relative distance from the limit, ± at {confidence} confidence", style="bold")


def _distances(entry: Entry) -> Table:
    curves = entry.curves
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("width", "trials"):
        rows.add_column(heading, justify="right", no_wrap=True)
    for heading in (*entry.metrics, *(["independent samples"] if entry.is_law else [])):
        rows.add_column(heading, no_wrap=True)
    for index in range(curves.sizes["width"]):
        at = curves.isel(width=index)
        cells = [_distance(at.sel(metric=metric)) for metric in entry.metrics]
        cells += [Text(short(number(at.sel(metric="w2"), "sample_floor"), 2), style="dim")] if entry.is_law else []
        rows.add_row(f"{int(number(at, 'width')):,}", str(int(number(at, "trials"))), *cells)
    rows.add_section()
    slopes = [curves.sel(metric=metric) for metric in entry.metrics]
    words = [slope_words(*(number(at, name) for name in ("slope", "slope_low", "slope_high"))) for at in slopes]
    rows.add_row("slope", "", *words)
    rows.add_row("expected", "", *(_expected(entry, metric) for metric in entry.metrics))
    return rows


def _distance(at: xr.Dataset) -> Text:
    value, low, high = (number(at, name) for name in ("value", "low", "high"))
    if math.isnan(value):
        return Text("-", style="dim")
    if math.isnan(high):
        return Text(f"{value:#.3g}")
    if high == 0:
        return Text("0")
    if low == 0:
        return Text(f"< {short(high, 2)}", style="dim")
    factor = math.sqrt(high / low)
    reach = f" ±{100 * (factor - 1):.0f} %" if factor < 2 else f" (factor {factor:.2g})"
    return Text(f"{value:#.3g}").append(reach, style="dim")


def _expected(entry: Entry, metric: str) -> Text:
    expected = number(entry.curves.sel(metric=metric), "expected_slope")
    verdict = meaning(entry.verdicts.sel(metric=metric), "consistent")
    if math.isnan(expected):
        return Text("-", style="dim")
    return Text(f"{expected:g} ").append(INSIDE[verdict], style=STYLES[verdict])


def _verdicts(entry: Entry) -> Text:
    limit = Text(limit_words(entry), style=STYLES[meaning(entry.verdicts, "equivalent")])
    return Text("\n").join([limit, Text(budget_words(entry)), Text(reference_words(entry))])
