"""Phase drawing: the two panels of a phase diagram."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from widthwise.report.drawing import set_title
from widthwise.report.figure import drawn
from widthwise.report.phase_diagram import Array, PhaseDiagram, edges

INCHES = (9.2, 3.7)
LEAST_SPAN = 1.1
"""Factor around 1 that the colours of growth cover at least."""


NAMES = (("order", 0.4, -9, "right"), ("chaos", 0.4, 9, "left"), (r"$\chi_1 = 1$", 0.85, 9, "left"))
"""What stands beside the critical line: text, how high in the panel, points to the side, alignment."""

BOX = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}


def draw_phase_diagram(diagram: PhaseDiagram, path: Path) -> None:
    """Draw to ``path``; equal diagrams give equal bytes. The black line is the theory's, for infinite width and depth.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    with drawn(path, INCHES) as drawing:
        correlation, growth = drawing.subplots(1, 2, sharey=True)
        where = f"{diagram.activation} MLP, depth {diagram.depth}, n = {diagram.width:,}"
        _draw_correlation(drawing, correlation, diagram)
        _draw_growth(drawing, growth, diagram)
        for axes in (correlation, growth):
            _draw_line(axes, diagram)
            _set_axes(axes, diagram)
        correlation.set_ylabel("bias variance")
        drawing.suptitle(f"Order and chaos: {where}", x=0.01, ha="left", fontsize=11)


def _draw_correlation(drawing: Figure, axes: Axes, diagram: PhaseDiagram) -> None:
    lowest = diagram.correlation[np.isfinite(diagram.correlation)].min(initial=0.0)
    mesh = _mesh(axes, diagram, diagram.correlation, "viridis", Normalize(lowest, 1.0))
    drawing.colorbar(mesh, ax=axes, label="correlation")
    set_title(axes, "Inputs in the last state", "their correlation: 1 in order, less in chaos")


def _draw_growth(drawing: Figure, axes: Axes, diagram: PhaseDiagram) -> None:
    known = diagram.growth[diagram.growth > 0]
    span = np.abs(np.log(known)).max(initial=np.log(LEAST_SPAN))
    mesh = _mesh(axes, diagram, diagram.growth, "RdBu_r", LogNorm(np.exp(-span), np.exp(span)))
    bar = drawing.colorbar(mesh, ax=axes, label="factor per layer")
    ticks = np.exp(span * np.array([-0.9, -0.45, 0.0, 0.45, 0.9]))
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    set_title(axes, "Gradients from layer to layer", "back to the first: they vanish in order, explode in chaos")


def _mesh(axes: Axes, diagram: PhaseDiagram, values: Array, colours: str, norm: Normalize) -> QuadMesh:
    borders = edges(diagram.weight_variances), edges(diagram.bias_variances)
    shown = np.ma.masked_invalid(values)
    return axes.pcolormesh(*borders, shown, edgecolors="white", linewidth=0.4, cmap=colours, norm=norm)


def _draw_line(axes: Axes, diagram: PhaseDiagram) -> None:
    """The critical line with its name, and the names of its sides."""
    bias, weight = diagram.line[np.isfinite(diagram.line).all(axis=1)].T
    axes.plot(weight, bias, color="black", linewidth=1.8, zorder=3)
    left, right = edges(diagram.weight_variances)[[0, -1]]
    bottom, top = edges(diagram.bias_variances)[[0, -1]]
    inside = np.flatnonzero((weight > left) & (weight < right))
    for text, height, shift, side in NAMES if inside.size else ():
        at = inside[np.abs(bias[inside] - bottom - height * (top - bottom)).argmin()]
        where = (weight[at], bias[at])
        axes.annotate(text, where, (shift, 0), textcoords="offset points", ha=side, va="center", bbox=BOX, zorder=4)


def _set_axes(axes: Axes, diagram: PhaseDiagram) -> None:
    """A tick at each value, at most some nine of them."""
    axes.grid(visible=False)
    for axis, values in ((axes.xaxis, diagram.weight_variances), (axes.yaxis, diagram.bias_variances)):
        axis.set_major_locator(FixedLocator(values[:: -(-len(values) // 9)].tolist()))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.set_xlim(*edges(diagram.weight_variances)[[0, -1]])
    axes.set_ylim(*edges(diagram.bias_variances)[[0, -1]])
    axes.set_xlabel("weight variance")
