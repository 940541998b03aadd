"""figure: log-log convergence curves for print."""

from pathlib import Path

import matplotlib as mpl
import xarray as xr
from matplotlib.figure import Figure

from widthwise.errors import SpecError
from widthwise.report.drawing import draw_panel, value_range
from widthwise.report.palette import STYLE
from widthwise.report.panels import panels
from widthwise.report.words import percent

FORMATS = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
"""Formats and the metadata that would make equal figures differ."""

PANEL_INCHES = (4.3, 3.1)


def figure(curves: xr.Dataset, verdicts: xr.Dataset, path: Path) -> None:
    """Draw the curves to ``path``; equal curves give equal bytes.

    A column per readout. Points carry their intervals, solid lines are the fitted power laws, dashed ones the expected
    slopes beside their curve, shaded areas lie below the noise floor of the curve of that colour. Hollow points are
    not in the fit: they or a smaller width do not rise above the noise.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    if path.suffix not in FORMATS:
        message = f"figure: {path.name!r} does not end in a known format; allowed: {', '.join(FORMATS)}"
        raise SpecError(message)
    rows = panels(curves, verdicts)
    width, height = PANEL_INCHES
    confidence = percent(float(curves.attrs["confidence"]))
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        drawing = Figure(figsize=(width * len(rows[0]), height * len(rows) + 0.5), layout="constrained")
        grid = drawing.subplots(len(rows), len(rows[0]), squeeze=False, sharex=True, sharey="row")
        for axes_row, row in zip(grid, rows, strict=True):
            shown = value_range([series for panel in row for series in panel.series])
            for axes, panel in zip(axes_row, row, strict=True):
                draw_panel(axes, panel, shown)
            axes_row[0].set_ylabel(f"relative distance, {confidence} intervals")
        for axes in grid[-1]:
            axes.set_xlabel("width")
        drawing.suptitle("Distance from the infinite-width limit", x=0.01, ha="left", fontsize=11)
        drawing.savefig(path, metadata=FORMATS[path.suffix])
