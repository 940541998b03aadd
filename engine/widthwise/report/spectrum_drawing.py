"""Spectrum drawing: density and distribution function of a limiting spectrum."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from widthwise.report.drawing import set_title
from widthwise.report.figure import drawn
from widthwise.report.palette import COLOURS, GREY
from widthwise.theory.free import Spectrum

Array = NDArray[np.float64]

INCHES = (8.6, 3.5)

LOWEST = 0.005
"""Of the mass above 0, below what is shown."""

POINTS = 1000

MARKED = (0.5, 0.9, 0.99)


def draw_spectrum(law: Spectrum, title: str, path: Path) -> None:
    """Draw to ``path``; equal laws give equal bytes. Squared singular values are on a logarithmic axis.

    Raises:
        SpecError: the suffix of ``path`` is not that of a known format.
    """
    with drawn(path, INCHES) as drawing:
        density, distribution = drawing.subplots(1, 2)
        set_title(density, "Density", "mass per unit of the natural logarithm of x")
        set_title(distribution, "Distribution function", "mass up to x, atoms included")
        x = _shown(law)
        if law.has_density:
            mass = x * law.density(x)
            density.fill_between(x, mass, color=COLOURS[0], alpha=0.15, linewidth=0)
            density.plot(x, mass, color=COLOURS[0], linewidth=1.4)
        distribution.plot(x, law.cdf(x), color=COLOURS[0], linewidth=1.4)
        _mark(distribution, law)
        _tell_atoms(density, law)
        for axes in (density, distribution):
            axes.set_xscale("log")
            axes.set_xlim(x[0], x[-1])
            axes.set_xlabel(r"$x$, eigenvalue of $J^T J$")
        density.set_ylim(bottom=0)
        distribution.set_ylim(0, 1.02)
        drawing.suptitle(title, x=0.01, ha="left", fontsize=11)


def _shown(law: Spectrum) -> Array:
    if not law.has_density:
        place = law.atom[0] or 1.0
        return np.geomspace(place / 10, place * 10, POINTS)
    zero = law.atom_at_zero
    low = law.log_quantile(np.array([zero + (1 - zero) * LOWEST]))[0]
    high = np.log(max(law.edges[-1], law.atom[0]))
    return np.exp(np.linspace(low, high + 0.03 * (high - low), POINTS))


def _mark(axes: Axes, law: Spectrum) -> None:
    for level, value in zip(MARKED, law.quantile(MARKED), strict=True):
        if value > 0:
            axes.plot(value, level, "o", color=COLOURS[1], markersize=4)
            axes.annotate(
                f"{level:g}: {value:.3g}", (value, level), (-6, -3), textcoords="offset points", ha="right", fontsize=8
            )


def _tell_atoms(axes: Axes, law: Spectrum) -> None:
    place, mass = law.atom
    texts = [f"atom at 0: {law.atom_at_zero:.4g}"] if law.atom_at_zero else []
    texts += [f"atom at {place:.4g}: {mass:.4g}"] if mass else []
    axes.annotate("\n".join(texts), (0.03, 0.95), xycoords="axes fraction", va="top", color=GREY)
