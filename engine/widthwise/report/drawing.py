"""Drawing: one panel of log-log convergence curves."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from widthwise.report.palette import COLOURS, GREY, MARKERS
from widthwise.report.panels import Array, LawPanel, Panel, Series
from widthwise.report.words import slope_words

MINUS = "\N{MINUS SIGN}"
GUIDE_OFFSET = 1.9
"""Factor by which the expected slope is drawn above the curve, so that the two can be told apart."""

NARROW = 50
"""Ratio of the ends of the ordinate below which powers of ten alone are too few ticks."""


def draw_panel(axes: Axes, panel: Panel, value_range: tuple[float, float]) -> None:
    """Points with intervals, fits, expected slopes, noise floors, sample floors and a label beside each curve."""
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(value_range)
    for index, series in enumerate(panel.series):
        colour = COLOURS[index % len(COLOURS)]
        _draw_floor(axes, series, colour, value_range[0])
        axes.plot(series.widths, series.sample_floor, color=colour, linewidth=1.1, linestyle=":", zorder=1.8)
        _draw_curve(axes, series, colour, MARKERS[index % len(MARKERS)])
    _draw_guides(axes, panel.series)
    _name_sample_floor(axes, panel.series[0])
    set_widths(axes, panel.widths)
    _draw_labels(axes, panel.series)
    set_title(axes, panel.title, panel.subtitle)


def value_range(series: Sequence[Series]) -> tuple[float, float]:
    """Limits of the ordinate: values in the fits with their intervals, sample floors, noise floors that are near."""
    parts = [(each.low[each.used], each.high[each.used], each.sample_floor) for each in series]
    ends = np.concatenate([end for part in parts for end in part])
    shown = ends[np.isfinite(ends) & (ends > 0)]
    if not shown.size:
        floors = np.concatenate([each.high for each in series])
        shown = floors[np.isfinite(floors) & (floors > 0)]
    if not shown.size:
        return 1e-3, 1.0
    floors = np.concatenate([each.noise_floor for each in series])
    near = floors[(floors > shown.min() / 10) & (floors < shown.min())]
    return float(min([*near, shown.min()])) / 1.6, float(shown.max()) * 3


def set_title(axes: Axes, title: str, subtitle: str) -> None:
    """What every panel has above it."""
    axes.set_title(title, loc="left", fontweight="bold", fontsize=10, pad=16 if subtitle else 6)
    axes.annotate(subtitle, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", color=GREY)


def _draw_floor(axes: Axes, series: Series, colour: str, bottom: float) -> None:
    known = np.isfinite(series.noise_floor)
    floor = np.maximum(series.noise_floor[known], bottom)
    axes.fill_between(series.widths[known], bottom, floor, color=colour, alpha=0.10, linewidth=0)


def _draw_curve(axes: Axes, series: Series, colour: str, marker: str) -> None:
    at = series.used
    if math.isfinite(series.slope):
        widths = np.geomspace(series.widths[at][0], series.widths[at][-1], 200)
        axes.plot(widths, series.fitted(widths), color=colour, linewidth=1.1, zorder=2)
    reach = np.nan_to_num(np.abs(np.stack([series.low, series.high]) - series.value)[:, at])
    axes.errorbar(
        series.widths[at],
        series.value[at],
        yerr=reach,
        fmt=marker,
        color=colour,
        markersize=4.6,
        markeredgecolor="white",
        markeredgewidth=0.5,
        elinewidth=0.9,
        zorder=3,
    )
    hidden = ~at & (series.value > 0)
    axes.plot(
        series.widths[hidden],
        series.value[hidden],
        marker,
        markersize=4.0,
        markerfacecolor="white",
        markeredgecolor=colour,
        markeredgewidth=0.8,
        alpha=0.7,
        zorder=2.5,
    )


def _name_sample_floor(axes: Axes, series: Series) -> None:
    if np.isfinite(series.sample_floor).any():
        dots = Line2D([], [], color=GREY, linewidth=1.1, linestyle=":", label="independent samples of the limit law")
        axes.legend(handles=[dots], loc="upper right", frameon=False, fontsize=7.5, labelcolor=GREY)


def _draw_guides(axes: Axes, series: Sequence[Series]) -> None:
    """A dashed line of each expected slope: above the highest curve, below it for the slope of a lower curve."""
    fitted = sorted((each for each in series if each.used.sum() > 2), key=lambda each: each.value[0], reverse=True)
    drawn: list[float] = []
    for each in fitted:
        slope = each.expected_slope
        if slope in drawn or math.isnan(slope):
            continue
        widths = each.widths[each.used]
        middle = math.sqrt(widths[0] * widths[-1])
        offset = 1 / GUIDE_OFFSET if drawn else GUIDE_OFFSET
        line = offset * each.fitted(np.array([middle])) * (widths / middle) ** slope
        end, shift = (-1, (4, -7)) if drawn else (0, (7, 1))
        text = f"slope {_fraction(slope)}"
        axes.plot(widths, line, color=GREY, linewidth=0.9, linestyle=(0, (4, 2.5)), zorder=1.5)
        axes.annotate(text, (widths[end], line[end]), shift, textcoords="offset points", color=GREY, fontsize=7.5)
        drawn.append(slope)


def _fraction(slope: float) -> str:
    return str(Fraction(slope).limit_denominator(12)).replace("-", MINUS)


def set_widths(axes: Axes, widths: Array) -> None:
    """An axis of widths: a tick at each (at every second one if there are many), powers of two written as such."""
    shown = widths[:: math.ceil(len(widths) / 9)]
    powers = np.log2(shown)
    axes.xaxis.set_major_locator(FixedLocator(shown.tolist()))
    axes.xaxis.set_minor_locator(NullLocator())
    if np.array_equal(powers, powers.round()):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda width, _: f"$2^{{{math.log2(width):.0f}}}$"))
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda width, _: f"{width:,.0f}"))
    set_decades(axes)
    span = widths[-1] / widths[0] if len(widths) > 1 else 4.0
    axes.set_xlim(widths[0] / span**0.05, widths[-1] * span**0.05)


def set_decades(axes: Axes) -> None:
    """Ticks of a logarithmic ordinate: powers of ten, and 2 and 5 times these where they are too few."""
    bottom, top = axes.get_ylim()
    if top / bottom < NARROW:
        axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5), numticks=12))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.yaxis.set_major_locator(LogLocator(base=10, numticks=12))
    axes.yaxis.set_minor_locator(NullLocator())


def name_ends(axes: Axes, ends: Sequence[tuple[float, str, int]]) -> None:
    """Names in the right margin beside the last values, never over one another: (value, name, colour) each."""
    lower, upper = np.log(axes.get_ylim())
    heights = [float((math.log(value) - lower) / (upper - lower)) for value, _, _ in ends]
    gap = min(0.09, 0.93 / max(len(ends), 1))
    for index, height in zip(np.argsort(heights).tolist(), apart(sorted(heights), gap), strict=True):
        _, name, colour = ends[index]
        shade = COLOURS[colour % len(COLOURS)]
        axes.text(1.03, height, name, va="center", fontsize=8, color=shade, transform=axes.transAxes)


def draw_law(axes: Axes, panel: LawPanel) -> None:
    """Densities as steps, areas below lines, and their names in the right margin."""
    for density in panel.densities:
        colour = COLOURS[density.colour % len(COLOURS)]
        if density.filled:
            axes.stairs(density.heights, density.edges, color=colour, alpha=0.35, fill=True, zorder=2)
        else:
            axes.stairs(density.heights, density.edges, color=colour, linewidth=1.2, zorder=3)
    named = [density for density in panel.densities if density.label]
    for place, density in enumerate(named):
        colour, height = COLOURS[density.colour % len(COLOURS)], 0.95 - min(0.1, 0.95 / len(named)) * place
        axes.text(1.03, height, density.label, va="top", fontsize=8, color=colour, transform=axes.transAxes)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("value")
    axes.set_ylabel("density")
    set_title(axes, panel.title, panel.subtitle)


def _draw_labels(axes: Axes, series: Sequence[Series]) -> None:
    """Marker, name and slope of each curve in the right margin, at its end but never over one another."""
    lower, upper = np.log(axes.get_ylim())
    ends = [_end(each) for each in series]
    heights = [(math.log(end) - lower) / (upper - lower) if end > 0 else 0.0 for end in ends]
    gap = min(0.135, 0.93 / len(series))
    for index, height in zip(np.argsort(heights).tolist(), apart(sorted(heights), gap), strict=True):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot(
            [1.03], [height + 0.027], marker, markersize=4.6, color=colour, clip_on=False, transform=axes.transAxes
        )
        axes.text(
            1.055,
            height,
            _label(series[index]),
            va="center",
            fontsize=8,
            linespacing=1.25,
            color=colour,
            transform=axes.transAxes,
        )


def _end(series: Series) -> float:
    """Where the curve leaves the panel: its last point, or the last noise floor if that hides it; 0 if it is empty."""
    if not series.widths.size:
        return 0.0
    return float(np.nan_to_num(series.value[-1] if series.used[-1] else series.noise_floor[-1]))


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Ascending heights moved up as little as needed to be ``gap`` apart, then down again from the top."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + gap) if moved else max(height, 0.04))
    for index in range(len(moved) - 1, -1, -1):
        ceiling = moved[index + 1] - gap if index + 1 < len(moved) else 0.97
        moved[index] = min(moved[index], ceiling)
    return moved


def _label(series: Series) -> str:
    if math.isnan(series.slope):
        return f"{series.label}\nslope unresolved"
    return f"{series.label}\n{slope_words(series.slope, series.slope_low, series.slope_high)}".replace("-", MINUS)
