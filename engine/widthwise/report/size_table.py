"""Size table: sizes without a limit at one point of a sweep, a row each, with their slopes and verdicts."""

import math
from collections.abc import Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from widthwise.report.entries import Entry, meaning, number, point_label
from widthwise.report.words import percent, short, slope_words, why_no_slope

INSIDE = {"yes": "inside", "no": "outside", "undetermined": "undetermined"}
STYLES = {"yes": "green", "no": "bold red", "undetermined": "yellow"}


def size_table(sizes: Sequence[Entry]) -> list[RenderableType]:
    """A title, the table, and a line for each size that is in part 0, below rounding or not a number."""
    first = sizes[0]
    confidence = percent(float(first.curves.attrs["confidence"]))
    title = ", ".join([*([point_label(first.point)] if first.point else []), "sizes by width, root mean square"])
    rows = Table("size", box=box.SIMPLE_HEAD, pad_edge=False)
    for width in first.curves["width"].to_numpy().tolist():
        rows.add_column(f"{width:,}", justify="right", no_wrap=True)
    for heading in ("slope", "predicted"):
        rows.add_column(heading, no_wrap=True)
    for entry in sizes:
        values = entry.curves["value"].sel(metric="rms").to_numpy().tolist()
        rows.add_row(entry.readout, *(short(value) for value in values), _slope(entry), _predicted(entry))
    words = ((entry.readout, why_no_slope(entry)) for entry in sizes)
    notes = [Text(f"{readout}: {why}", style="yellow") for readout, why in words if why]
    return [Text(f"{title}; slopes ± at {confidence} confidence for all together", style="bold"), rows, *notes, Text()]


def _slope(entry: Entry) -> str:
    curves = entry.curves.sel(metric="rms")
    return slope_words(*(number(curves, name) for name in ("slope", "slope_low", "slope_high")))


def _predicted(entry: Entry) -> Text:
    expected = number(entry.curves.sel(metric="rms"), "expected_slope")
    if math.isnan(expected):
        return Text("-", style="dim")
    verdict = meaning(entry.verdicts.sel(metric="rms"), "consistent")
    return Text(f"{expected:g} ").append(INSIDE[verdict], style=STYLES[verdict])
