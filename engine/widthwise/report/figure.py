"""figure: log-log convergence curves for print."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from widthwise.errors import SpecError
from widthwise.report.drawing import draw_law, draw_panel, value_range
from widthwise.report.palette import STYLE
from widthwise.report.panels import LawPanel, Panel, Row, panels
from widthwise.report.profile_drawing import draw_profiles
from widthwise.report.profiles import ProfilePanel
from widthwise.report.size_drawing import draw_sizes
from widthwise.report.sizes import SizePanel
from widthwise.report.words import percent

FORMATS = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
"""Formats and the metadata that would make equal figures differ."""

PANEL_INCHES = (4.3, 3.1)


def figure(curves: xr.Dataset, verdicts: xr.Dataset, path: Path) -> None:
    """Draw the curves to ``path``; equal curves give equal bytes.

    A column per readout. Points carry their intervals, solid lines are the fitted power laws, dashed ones the expected
    slopes beside their curve, shaded areas lie below the noise floor of the curve of that colour. Hollow points are
    not in the fit: they or a smaller width do not rise above the noise. The dotted line beside the curve of a law
    is the distance of as many independent samples of the limit law as the width; below stands the density. Below the
    curves of a readout with a profile stand its values along that dimension, with standard errors.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    rows = panels(curves, verdicts)
    width, height = PANEL_INCHES
    confidence = percent(float(curves.attrs["confidence"]))
    with drawn(path, (width * len(rows[0]), height * len(rows) + 0.5)) as drawing:
        grid = drawing.subplots(len(rows), len(rows[0]), squeeze=False)
        for axes_row, row in zip(grid, rows, strict=True):
            _draw_curves(axes_row, row, f"relative distance, {confidence} intervals")
            _draw_others(axes_row, row)
        for axes, panel, below in zip(grid[0], *rows[:2], strict=True) if len(rows) > 1 else ():
            if isinstance(panel, Panel) and isinstance(below, Panel):
                axes.tick_params(labelbottom=False)
                axes.set_xlabel("")
        drawing.suptitle("Distance from the infinite-width limit", x=0.01, ha="left", fontsize=11)


@contextmanager
def drawn(path: Path, inches: tuple[float, float]) -> Iterator[Figure]:
    """A figure in the common style, written to ``path`` in the end; equal figures give equal bytes.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    if path.suffix not in FORMATS:
        message = f"figure: {path.name!r} does not end in a known format; allowed: {', '.join(FORMATS)}"
        raise SpecError(message)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        drawing = Figure(figsize=inches, layout="constrained")
        yield drawing
        drawing.savefig(path, metadata=FORMATS[path.suffix])


def _draw_curves(axes_row: Sequence[Axes], row: Row, distance: str) -> None:
    """The panels of curves in a row, which have one ordinate, named at the first of them."""
    curves = [(axes, panel) for axes, panel in zip(axes_row, row, strict=True) if isinstance(panel, Panel)]
    if curves:
        shown = value_range([series for _, panel in curves for series in panel.series])
        for place, (axes, panel) in enumerate(curves):
            draw_panel(axes, panel, shown)
            axes.set_xlabel("width")
            axes.tick_params(labelleft=place == 0)
        curves[0][0].set_ylabel(distance)


def _draw_others(axes_row: Sequence[Axes], row: Row) -> None:
    for axes, panel in zip(axes_row, row, strict=True):
        if isinstance(panel, LawPanel):
            draw_law(axes, panel)
        elif isinstance(panel, ProfilePanel):
            draw_profiles(axes, panel)
        elif isinstance(panel, SizePanel):
            draw_sizes(axes, panel)
        elif panel is None:
            axes.set_axis_off()
