"""Profile drawing: values along a dimension of a readout on a logarithmic ordinate."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from widthwise.report.drawing import apart, set_decades, set_title
from widthwise.report.palette import COLOURS, MARKERS
from widthwise.report.profiles import Profile, ProfilePanel


def draw_profiles(axes: Axes, panel: ProfilePanel) -> None:
    """Limits as lines, widths as points with their standard errors, names in the right margin; positive values only."""
    axes.set_yscale("log")
    for profile in panel.profiles:
        _draw(axes, profile, panel)
    _name(axes, [profile for profile in panel.profiles if profile.label])
    set_decades(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True))
    axes.set_xlabel(panel.along)
    axes.set_ylabel("value, standard errors")
    set_title(axes, panel.title, panel.subtitle)


def _draw(axes: Axes, profile: Profile, panel: ProfilePanel) -> None:
    colour, marker = COLOURS[profile.colour % len(COLOURS)], MARKERS[profile.colour % len(MARKERS)]
    positive = profile.values > 0
    steps, values, errors = panel.steps[positive], profile.values[positive], profile.errors[positive]
    if profile.reading == "limit":
        axes.plot(steps, values, color=colour, linewidth=1.1, zorder=2)
        return
    hollow = profile.reading == "narrowest"
    axes.errorbar(
        steps,
        values,
        yerr=np.nan_to_num(errors),
        fmt=marker,
        color=colour,
        markersize=4.2,
        markerfacecolor="white" if hollow else colour,
        markeredgecolor=colour if hollow else "white",
        markeredgewidth=0.8 if hollow else 0.5,
        elinewidth=0.9,
        zorder=2.5 if hollow else 3,
    )


def _name(axes: Axes, profiles: list[Profile]) -> None:
    """Names beside the last values, never over one another."""
    lower, upper = np.log(axes.get_ylim())
    ends = [profile.values[profile.values > 0][-1:] for profile in profiles]
    heights = [float((np.log(end[0]) - lower) / (upper - lower)) if end.size else 0.0 for end in ends]
    gap = min(0.09, 0.93 / max(len(profiles), 1))
    for index, height in zip(np.argsort(heights).tolist(), apart(sorted(heights), gap), strict=True):
        colour = COLOURS[profiles[index].colour % len(COLOURS)]
        axes.text(1.03, height, profiles[index].label, va="center", fontsize=8, color=colour, transform=axes.transAxes)
