"""Palette: colours and markers that stay apart in print, in grey and for colour-blind readers."""

from collections.abc import Mapping
from typing import Any

# Okabe and Ito, https://jfly.uni-koeln.de/color/, without the yellow, which is too light for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
BLACK = COLOURS.index("#000000")
GREY = "#5A5A5A"

STYLE: Mapping[Any, object] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#8A8A8A",
    "axes.grid": True,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 200,
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.5,
    "mathtext.fontset": "dejavusans",
    "path.simplify": False,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "svg.hashsalt": "widthwise",
    "xtick.color": GREY,
    "xtick.minor.size": 0,
    "ytick.color": GREY,
    "ytick.minor.size": 0,
}
"""Set whole for each drawing, so that a user's own matplotlib settings do not leak into a figure's bytes."""
