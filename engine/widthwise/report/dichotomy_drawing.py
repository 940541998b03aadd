"""Dichotomy drawing: predicted regimes as coloured fields, what was measured as marks on them."""

from pathlib import Path

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from widthwise.report.dichotomy_map import BEHAVIOURS, Behaviour, DichotomyMap
from widthwise.report.drawing import MINUS, set_title
from widthwise.report.figure import drawn
from widthwise.report.palette import COLOURS, GREY

INCHES = (7.4, 4.4)

LOOKS: dict[Behaviour, tuple[str, str, str, str]] = {
    "feature_learning": (COLOURS[0], "o", "feature learning", "features move"),
    "operator": (COLOURS[2], "s", "operator regime", "only the function moves"),
    "trivial": ("#9A9A9A", "_", "trivial", "nothing moves"),
    "unstable": (COLOURS[1], "X", "unstable", "features or function explode"),
    "unknown": (GREY, "$?$", "", "no slope"),
}
"""Colour, marker, the name of a prediction, the name of what was measured."""


def draw_dichotomy(found: DichotomyMap, path: Path) -> None:
    """Draw to ``path``; equal maps give equal bytes. A mark of the colour of its field is as predicted.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    with drawn(path, INCHES) as drawing:
        axes = drawing.subplots()
        colours = ListedColormap([LOOKS[name][0] for name in BEHAVIOURS])
        axes.imshow(
            found.predicted, cmap=colours, vmin=0, vmax=len(BEHAVIOURS) - 1, alpha=0.35, origin="lower", aspect="auto"
        )
        for index, name in enumerate(BEHAVIOURS):
            rows, columns = np.nonzero(found.measured == index)
            axes.scatter(columns, rows, s=70, c=LOOKS[name][0], marker=LOOKS[name][1], linewidths=1.6, zorder=3)
        axes.grid(visible=False)
        for axis, values in ((axes.xaxis, found.features), (axes.yaxis, found.output)):
            axis.set_major_locator(FixedLocator(list(range(len(values)))))
            texts = [str(value).replace("-", MINUS) for value in values]
            axis.set_major_formatter(FuncFormatter(lambda place, _, texts=texts: texts[round(place)]))
        axes.set_xlabel("features move by $n^{-r}$: r")
        axes.set_ylabel("output weights move the function by $n^{-s}$: s")
        words = f"widths {found.narrowest:,} to {found.widest:,}, first step"
        set_title(axes, f"{found.agreeing} of {found.measured.size} points as predicted", words)
        drawing.legend(handles=_legend(found), loc="outside right center", frameon=False, fontsize=8)
        drawing.suptitle("Dichotomy: fields are predicted, marks measured", x=0.01, ha="left", fontsize=11)


def _legend(found: DichotomyMap) -> list[Patch | Line2D]:
    handles: list[Patch | Line2D] = []
    for index in np.unique(found.predicted).tolist():
        colour, _, name, _ = LOOKS[BEHAVIOURS[index]]
        handles.append(Patch(color=colour, alpha=0.35, label=name))
    for index in np.unique(found.measured).tolist():
        colour, marker, _, name = LOOKS[BEHAVIOURS[index]]
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="", markersize=7, label=name))
    return handles
