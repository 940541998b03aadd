"""Trajectory drawing: a panel of outputs against the step for every point of a sweep."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from widthwise.report.drawing import set_title
from widthwise.report.figure import drawn
from widthwise.report.palette import COLOURS, GREY, MARKERS
from widthwise.report.trajectories import Array, Trajectories, TrajectoryPanel

INCHES = (4.3, 3.2)
MOST_COLUMNS = 2
LIGHT, DARK = 0.16, 0.45
"""Opacity of the bands of the smallest and of the largest width."""


def draw_trajectories(trajectories: Trajectories, path: Path) -> None:
    """Draw to ``path``; equal trajectories give equal bytes.

    A colour for each input: a line for the limit, points for the mean over the trials of the largest width, bands of
    one standard deviation over trials around the means of the smallest (light) and of the largest width (dark).

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    columns = min(len(trajectories.panels), MOST_COLUMNS)
    rows = -(-len(trajectories.panels) // columns)
    width, height = INCHES
    with drawn(path, (max(width * columns, 6.5), height * rows + 0.8)) as drawing:
        grid = drawing.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, panel in zip(grid, trajectories.panels, strict=False):
            _draw_panel(axes, panel, trajectories)
        for axes in grid[len(trajectories.panels) :]:
            axes.set_axis_off()
        for axes in grid[::columns]:
            axes.set_ylabel("output")
        for axes in grid[: len(trajectories.panels)][-columns:]:
            axes.set_xlabel("step")
            axes.tick_params(labelbottom=True)
        drawing.suptitle(_heading(trajectories), x=0.01, ha="left", fontsize=11)
        handles = _handles(trajectories)
        drawing.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=8, labelcolor=GREY)


def _heading(trajectories: Trajectories) -> str:
    inputs = "test inputs" if trajectories.tested else "inputs trained on"
    shown = len(trajectories.panels)
    part = f", the first {shown} of {trajectories.points} points" if shown < trajectories.points else ""
    return f"Outputs on {inputs} in training, a colour for each{part}"


def _draw_panel(axes: Axes, panel: TrajectoryPanel, trajectories: Trajectories) -> None:
    steps, alone = trajectories.steps, trajectories.widths[0] == trajectories.widths[1]
    for index, limit in enumerate(panel.limit.mean):
        colour = COLOURS[index % len(COLOURS)]
        if not alone:
            _draw_band(axes, steps, panel.narrow.mean[index], panel.narrow.deviation[index], colour, LIGHT)
        _draw_band(axes, steps, panel.wide.mean[index], panel.wide.deviation[index], colour, DARK)
        axes.plot(steps, limit, color=colour, linewidth=1.4, zorder=3)
        marker = MARKERS[index % len(MARKERS)]
        axes.plot(
            steps,
            panel.wide.mean[index],
            marker,
            color=colour,
            markersize=4.2,
            markeredgecolor="white",
            markeredgewidth=0.5,
            zorder=4,
        )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True))
    axes.margins(x=0.02)
    set_title(axes, panel.title, "")


def _draw_band(axes: Axes, steps: Array, mean: Array, deviation: Array, colour: str, opacity: float) -> None:
    reach = np.nan_to_num(deviation)
    axes.fill_between(steps, mean - reach, mean + reach, color=colour, alpha=opacity, linewidth=0)


def _handles(trajectories: Trajectories) -> list[Line2D | Patch]:
    narrow, wide = trajectories.widths
    light = Patch(facecolor=GREY, alpha=LIGHT, label=f"n = {narrow:,}, one standard deviation")
    return [
        Line2D([], [], color=GREY, linewidth=1.4, label="limit"),
        Line2D([], [], color=GREY, linestyle="", marker="o", markersize=4, label=f"n = {wide:,}, mean"),
        Patch(facecolor=GREY, alpha=DARK, label=f"n = {wide:,}, one standard deviation"),
        *([] if narrow == wide else [light]),
    ]
