"""Correlation drawing: accuracy against a quantile of the spectrum, and correlations by level beside it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from widthwise.reduce.correlation import Estimate
from widthwise.report.correlation import Correlation, Relation
from widthwise.report.drawing import MINUS, set_title
from widthwise.report.figure import drawn
from widthwise.report.palette import COLOURS, GREY, MARKERS
from widthwise.report.words import percent

INCHES = (4.3, 3.4)
SHIFT = 0.006
"""By which the two kinds of correlation stand apart, in units of the level."""


def draw_correlation(correlation: Correlation, path: Path) -> None:
    """Draw to ``path``; equal correlations give equal bytes.

    A row for each width and point: every architecture by the quantile of strongest correlation, and the correlation
    with the quantile of every level, with its interval.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    rows, (width, height) = len(correlation.relations), INCHES
    with drawn(path, (2 * width, height * rows + 0.6)) as drawing:
        grid = drawing.subplots(rows, 2, squeeze=False)
        for (left, right), relation in zip(grid, correlation.relations, strict=True):
            _draw_architectures(left, correlation, relation)
            _draw_levels(right, correlation, relation)
        drawing.suptitle("Accuracy against the Jacobian's spectrum before training", x=0.01, ha="left", fontsize=11)
        handles = [
            Line2D([], [], color=COLOURS[k], marker=MARKERS[k], linewidth=1.1, label=name)
            for k, name in enumerate(("Spearman", "Pearson"))
        ]
        drawing.legend(handles=handles, loc="outside lower right", ncols=2, frameon=False, fontsize=8, labelcolor=GREY)


def _draw_architectures(axes: Axes, correlation: Correlation, relation: Relation) -> None:
    place = relation.strongest
    level = f"{correlation.levels[place]:g}"
    axes.plot(
        relation.quantiles[:, place],
        relation.accuracy,
        "o",
        color=COLOURS[0],
        markersize=4.2,
        markeredgecolor="white",
        markeredgewidth=0.5,
    )
    axes.xaxis.set_major_formatter(_plain)
    axes.set_xlabel(f"log10 of squared singular values, quantile at level {level}")
    axes.set_ylabel("accuracy after training")
    set_title(axes, relation.title, f"{len(relation.accuracy)} random architectures")


def _draw_levels(axes: Axes, correlation: Correlation, relation: Relation) -> None:
    levels = np.array(correlation.levels)
    for k, found in enumerate((relation.spearman, relation.pearson)):
        _draw_estimates(axes, levels + (2 * k - 1) * SHIFT, found, k)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("level of the quantile")
    axes.set_ylabel("correlation with accuracy")
    axes.yaxis.set_major_formatter(_plain)
    intervals = f"{percent(correlation.confidence)} intervals"
    set_title(axes, "correlation with every quantile", f"{intervals}; higher ones correlate most: {relation.higher}")


def _plain(value: float, _: float) -> str:
    """Of a tick."""
    return f"{value:g}".replace("-", MINUS)


def _draw_estimates(axes: Axes, places: np.ndarray, found: tuple[Estimate, ...], colour: int) -> None:
    value, low, high = (np.array([getattr(each, name) for each in found]) for name in ("value", "low", "high"))
    axes.errorbar(
        places,
        value,
        yerr=np.nan_to_num(np.stack([value - low, high - value])),
        fmt=MARKERS[colour],
        linestyle="-",
        color=COLOURS[colour],
        markersize=4,
        linewidth=1.1,
        elinewidth=0.9,
    )
