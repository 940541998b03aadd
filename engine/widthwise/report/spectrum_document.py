"""A limiting spectrum as a document for machines and as a table for people."""

import numpy as np
from rich.table import Table

from widthwise.report.spectrum_drawing import Array
from widthwise.theory.free import Spectrum

LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

MOMENTS = 4

SMALLEST = 1e-290
"""Points below are left out of a density: they are hardly floating point numbers."""


def spectrum_document(law: Spectrum) -> dict[str, object]:
    """Quantiles by level, atoms, total mass, moments from order 1 on, edges in pairs, and the density on a grid."""
    x, density = grid_density(law)
    place, mass = law.atom
    return {
        "of": "squared singular values",
        "quantiles": {str(level): float(value) for level, value in zip(LEVELS, law.quantile(LEVELS), strict=True)},
        "atom_at_zero": law.atom_at_zero,
        "atom_above_zero": {"x": place, "mass": mass} if mass else None,
        "mass": law.mass,
        "moments": law.moments(MOMENTS).tolist(),
        "log_moment": law.log_moment,
        "edges": law.edges.tolist(),
        "density": {"x": x.tolist(), "value": density.tolist()},
    }


def spectrum_table(law: Spectrum) -> Table:
    """Quantiles of squared and of plain singular values."""
    table = Table("quantile", "squared singular value", "singular value", box=None, pad_edge=False)
    for column in table.columns:
        column.justify = "right"
    for level, value in zip(LEVELS, law.quantile(LEVELS), strict=True):
        table.add_row(f"{level:g}", f"{value:.6g}", f"{value**0.5:.6g}")
    return table


def spectrum_lines(law: Spectrum) -> list[str]:
    """What else there is to say of a law, a line each."""
    place, mass = law.atom
    edges = " and ".join(f"{low:.6g} to {high:.6g}" for low, high in law.edges.reshape(-1, 2))
    lines = [f"atom at 0: {law.atom_at_zero:.6g}"]
    lines += [f"atom at {place:.6g}: {mass:.6g}"] if mass else []
    lines += [f"support: {edges}"] if law.has_density else []
    lines += [f"moments: {', '.join(f'{each:.6g}' for each in law.moments(MOMENTS))}"]
    return [*lines, f"mean of log x over x > 0, times its mass: {law.log_moment:.6g}", f"mass: {law.mass:.8g}"]


def grid_density(law: Spectrum) -> tuple[Array, Array]:
    """Points where the density bends, and the density there; none of a law of atoms alone."""
    if not law.has_density:
        return np.empty(0), np.empty(0)
    x = np.exp(_finer(law.grid.log_x))
    x = x[x > SMALLEST]
    return x, law.density(x)


def _finer(log_x: Array) -> Array:
    """Three more points between neighbours, so that straight lines between points have the mass of the law."""
    parts = np.arange(4) / 4
    between = log_x[:-1, None] + np.diff(log_x)[:, None] * parts
    return np.append(between.ravel(), log_x[-1])
