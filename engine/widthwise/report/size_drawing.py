"""Size drawing: norms against the width, falling to 0 or to the norm of a limit."""

import numpy as np
from matplotlib.axes import Axes

from widthwise.report.drawing import name_ends, set_title, set_widths
from widthwise.report.palette import COLOURS, MARKERS
from widthwise.report.sizes import Size, SizePanel


def draw_sizes(axes: Axes, panel: SizePanel) -> None:
    """Points with their standard errors joined by lines, limits dashed, names in the right margin."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for index, size in enumerate(panel.sizes):
        _draw(axes, size, index, panel)
    set_widths(axes, panel.widths)
    known = [(size.values[size.values > 0][-1:], size.label, index) for index, size in enumerate(panel.sizes)]
    name_ends(axes, [(float(value[0]), label, colour) for value, label, colour in known if value.size and label])
    axes.set_xlabel("width")
    axes.set_ylabel("norm, standard errors")
    set_title(axes, panel.title, panel.subtitle)


def _draw(axes: Axes, size: Size, index: int, panel: SizePanel) -> None:
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    shown = size.values > 0
    axes.errorbar(
        panel.widths[shown],
        size.values[shown],
        yerr=np.nan_to_num(size.errors[shown]),
        fmt=marker,
        linestyle="-",
        linewidth=0.8,
        color=colour,
        markersize=4.2,
        markeredgecolor="white",
        markeredgewidth=0.5,
        elinewidth=0.9,
        zorder=3,
    )
    if size.limit > 0:
        axes.axhline(size.limit, color=colour, linewidth=0.9, linestyle=(0, (4, 2.5)), zorder=2)
