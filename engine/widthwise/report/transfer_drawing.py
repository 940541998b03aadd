"""Transfer drawing: loss against the learning rate, a line for each width, a panel for each point of a sweep."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.pyplot import get_cmap
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from widthwise.report.drawing import MINUS, set_decades, set_title
from widthwise.report.figure import drawn
from widthwise.report.palette import GREY, MARKERS
from widthwise.report.transfer import Losses, Transfer
from widthwise.report.transfer_words import drift_words

INCHES = (4.3, 3.4)
MOST_COLUMNS = 2
SHADES = (0.08, 0.86)
"""Ends of the colours of the widths, dark to light, in a map that is even for colour-blind readers and in grey."""


def draw_transfer(transfer: Transfer, path: Path) -> None:
    """Draw to ``path``; equal transfers give equal bytes.

    Lines are geometric means over trials with their standard errors, large markers the best rates.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    columns = min(len(transfer.points), MOST_COLUMNS)
    rows = -(-len(transfer.points) // columns)
    width, height = INCHES
    with drawn(path, (max(width * columns, 5.5), height * rows + 0.6)) as drawing:
        grid = drawing.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        colours = _colours(len(transfer.widths))
        for axes, losses in zip(grid, transfer.points, strict=False):
            _draw_panel(axes, transfer, losses, colours)
        for axes in grid[len(transfer.points) :]:
            axes.set_axis_off()
        for axes in grid[: len(transfer.points)][-columns:]:
            axes.set_xlabel("learning rate")
            axes.tick_params(labelbottom=True)
        for axes in grid[::columns]:
            axes.set_ylabel("training loss, standard errors")
        drawing.suptitle("Loss at the end of training against the learning rate", x=0.01, ha="left", fontsize=11)
        handles = _handles(transfer, colours)
        drawing.legend(handles=handles, loc="outside lower left", ncols=8, frameon=False, fontsize=8, labelcolor=GREY)


def _colours(count: int) -> list[str]:
    shades = get_cmap("viridis")(np.linspace(*SHADES, count))
    return [to_hex(shade) for shade in shades]


def _draw_panel(axes: Axes, transfer: Transfer, losses: Losses, colours: list[str]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    for index, colour in enumerate(colours):
        known = np.isfinite(losses.means[index])
        mean, error = losses.means[index][known], np.nan_to_num(losses.errors[index][known])
        reach = mean * np.stack([-np.expm1(-error), np.expm1(error)])
        axes.errorbar(transfer.rates[known], mean, yerr=reach, color=colour, linewidth=1.2, elinewidth=0.8, zorder=2)
        axes.plot(transfer.rates[known], mean, ".", color=colour, markersize=3.5, zorder=2.5)
        best = losses.optima[index]
        axes.plot(
            [2.0**best.rate],
            [2.0**best.loss],
            MARKERS[index % len(MARKERS)],
            color=colour,
            markersize=7.5,
            markeredgecolor="white",
            zorder=3,
        )
    axes.xaxis.set_major_locator(LogLocator(base=2, numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"$2^{{{np.log2(rate):.0f}}}$"))
    set_decades(axes)
    set_title(axes, losses.title, drift_words(losses).replace("-", MINUS))


def _handles(transfer: Transfer, colours: list[str]) -> list[Line2D]:
    return [
        Line2D([], [], color=colour, linewidth=1.2, marker=MARKERS[index % len(MARKERS)], label=f"n = {width:,.0f}")
        for index, (colour, width) in enumerate(zip(colours, transfer.widths, strict=True))
    ]
