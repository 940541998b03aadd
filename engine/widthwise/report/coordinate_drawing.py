"""Coordinate drawing: sizes against the width, a line for each layer beside the slope that is predicted."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from widthwise.report.coordinates import Column, CoordinatePanel, Line
from widthwise.report.drawing import MINUS, apart, set_decades, set_title, set_widths
from widthwise.report.figure import drawn
from widthwise.report.palette import COLOURS, MARKERS
from widthwise.report.words import slope_words

PANEL_INCHES = (4.6, 2.5)


def draw_coordinates(columns: Sequence[Column], path: Path) -> None:
    """Draw to ``path``; equal panels give equal bytes. Dashed lines have the predicted slopes.

    Points of a sweep stand side by side; without one the kinds of sizes do.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    grid = list(zip(*columns, strict=True)) if len(columns) > 1 else list(columns)
    width, height = PANEL_INCHES
    with drawn(path, (width * len(grid[0]), height * len(grid) + 0.5)) as drawing:
        axes = drawing.subplots(len(grid), len(grid[0]), squeeze=False)
        for axes_row, row in zip(axes, grid, strict=True):
            for place, (each, panel) in enumerate(zip(axes_row, row, strict=True)):
                _draw_panel(each, panel, _range(row) if len(columns) > 1 else _range([panel]))
                if place == 0:
                    each.set_ylabel("root mean square")
        for each in axes[-1]:
            each.set_xlabel("width")
        drawing.suptitle("Coordinate check: dashed lines have the predicted slopes", x=0.01, ha="left", fontsize=11)


def _range(panels: Sequence[CoordinatePanel]) -> tuple[float, float]:
    shown = np.concatenate([line.values for panel in panels for line in panel.lines])
    return (float(shown.min()) / 2, float(shown.max()) * 2) if shown.size else (0.1, 1.0)


def _draw_panel(axes: Axes, panel: CoordinatePanel, shown: tuple[float, float]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(shown)
    for index, line in enumerate(panel.lines):
        _draw_line(axes, line, COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)])
    set_widths(axes, panel.widths)
    set_decades(axes)
    _name_lines(axes, panel.lines)
    set_title(axes, panel.title, panel.subtitle)


def _draw_line(axes: Axes, line: Line, colour: str, marker: str) -> None:
    reach = np.nan_to_num(np.abs(np.stack([line.low, line.high]) - line.values))
    axes.errorbar(
        line.widths,
        line.values,
        yerr=reach,
        fmt=marker,
        linestyle="-",
        linewidth=0.9,
        color=colour,
        markersize=4.0,
        markeredgecolor="white",
        markeredgewidth=0.5,
        elinewidth=0.9,
        zorder=3,
    )
    if line.verdict and line.widths.size:
        middle = len(line.widths) // 2
        guide = line.values[middle] * (line.widths / line.widths[middle]) ** line.expected
        axes.plot(line.widths, guide, color=colour, linewidth=1.1, linestyle=(0, (4, 2.5)), alpha=0.6, zorder=2)


def _name_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Marker, name, slope and verdict of each line in the right margin, at its end but never over one another."""
    lower, upper = np.log(axes.get_ylim())
    ends = [math.log(line.values[-1]) if line.values.size else lower for line in lines]
    heights = [float((end - lower) / (upper - lower)) for end in ends]
    places = apart(sorted(heights), min(0.15, 0.93 / len(lines)))
    for index, height in zip(np.argsort(heights, kind="stable").tolist(), places, strict=True):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot([1.03], [height], marker, markersize=4.0, color=colour, clip_on=False, transform=axes.transAxes)
        failed = lines[index].verdict == "FAIL"
        axes.text(
            1.06,
            height,
            _words(lines[index]),
            va="center",
            fontsize=7.5,
            color=colour,
            fontweight="bold" if failed else "normal",
            transform=axes.transAxes,
        )


def _words(line: Line) -> str:
    """``2: 0.98 ± 0.03 (1) pass``."""
    slope = slope_words(line.slope, line.slope_low, line.slope_high)
    judged = f" ({line.expected:g}) {line.verdict}" if line.verdict else ""
    return f"{line.label}: {slope}{judged}".replace("-", MINUS)
