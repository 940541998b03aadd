"""Profile drawing: values along a dimension of a readout on a logarithmic ordinate."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from widthwise.report.drawing import name_ends, set_decades, set_title
from widthwise.report.palette import COLOURS, MARKERS
from widthwise.report.profiles import Profile, ProfilePanel


def draw_profiles(axes: Axes, panel: ProfilePanel) -> None:
    """Limits as lines, widths as points with their standard errors, names in the right margin; positive values only."""
    axes.set_yscale("log")
    for profile in panel.profiles:
        _draw(axes, profile, panel)
    last = [(profile.values[profile.values > 0][-1:], profile) for profile in panel.profiles if profile.label]
    name_ends(axes, [(float(value[0]), profile.label, profile.colour) for value, profile in last if value.size])
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
