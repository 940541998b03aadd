"""Spectra drawing: distribution functions of squared singular values by three routes, a panel for each point."""

from pathlib import Path

from matplotlib.axes import Axes

from widthwise.report.drawing import set_title
from widthwise.report.figure import drawn
from widthwise.report.palette import COLOURS, GREY
from widthwise.report.spectra import Spectra, SpectrumPanel

INCHES = (4.2, 3.0)

COLUMNS = 2


def draw_spectra(spectra: Spectra, path: Path) -> None:
    """Draw to ``path``; equal spectra give equal bytes.

    Every law with the measured recurrence coefficients has its distribution function in the shaded area (for means of
    coefficients up to their errors); solid are singular values of matrices, dashed is the law in closed form or by the
    operator-valued equation.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    columns = min(COLUMNS, len(spectra.panels))
    rows = -(-len(spectra.panels) // columns)
    with drawn(path, (INCHES[0] * columns, INCHES[1] * rows + 0.5)) as drawing:
        grid = drawing.subplots(rows, columns, squeeze=False, sharex=False, sharey=True).ravel()
        for axes, panel in zip(grid, spectra.panels, strict=False):
            _draw(axes, panel)
        for axes in grid[len(spectra.panels) :]:
            axes.set_axis_off()
        grid[0].legend(frameon=False, loc="upper left", fontsize=7)
        shown = f", the first {len(spectra.panels)} of {spectra.points} points"
        more = shown if spectra.points > len(spectra.panels) else ""
        drawing.suptitle(f"Spectrum of the Jacobian: eigenvalues of $J^T J${more}", x=0.01, ha="left", fontsize=11)


def _draw(axes: Axes, panel: SpectrumPanel) -> None:
    set_title(axes, panel.title, "distribution function")
    for each, colour in zip(panel.bounds, (COLOURS[4], GREY), strict=False):
        axes.fill_between(panel.places, each.low, each.high, color=colour, alpha=0.25, linewidth=0, label=each.label)
    if panel.dense is not None:
        label = f"singular values, n = {panel.dense_width:,}"
        axes.plot(panel.places, panel.dense, color=COLOURS[1], linewidth=1.6, label=label)
    if panel.exact is not None:
        label = "free probability"
        axes.plot(panel.places, panel.exact, color="black", linewidth=1.0, linestyle=(0, (4, 2.5)), label=label)
    axes.set_xscale("log")
    axes.set_xlim(panel.places[0], panel.places[-1])
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("$x$")
