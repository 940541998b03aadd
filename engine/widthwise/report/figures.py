"""Figures: which ones a run has, by name, and how each is drawn."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from widthwise.report.coordinate_drawing import draw_coordinates
from widthwise.report.coordinates import coordinate_panels, has_coordinates
from widthwise.report.correlation import correlation_of, has_correlation
from widthwise.report.correlation_drawing import draw_correlation
from widthwise.report.dichotomy_drawing import draw_dichotomy
from widthwise.report.dichotomy_map import dichotomy_map, has_dichotomy_map
from widthwise.report.figure import figure
from widthwise.report.phase_diagram import has_phase_diagram, phase_diagram
from widthwise.report.phase_drawing import draw_phase_diagram
from widthwise.report.spectra import has_spectra, spectra
from widthwise.report.spectra_drawing import draw_spectra
from widthwise.report.trajectories import has_trajectories, trajectories
from widthwise.report.trajectory_drawing import draw_trajectories
from widthwise.report.transfer import has_transfer, transfer_of
from widthwise.report.transfer_drawing import draw_transfer
from widthwise.store import Run, open_results

Curves = tuple[xr.Dataset, xr.Dataset]
"""The curves and the verdicts of a run."""


Draw = Callable[[Run, Curves, Path], None]
"""``draw(run, curves, path)`` writes a figure to ``path``."""


def figures_of(run: Run) -> Mapping[str, Draw]:
    """By name, the main one first: the curves or what stands in place of them; then trajectories, or spectra."""
    more = {"trajectories": _draw_trajectories} if has_trajectories(run) else {}
    more |= {"spectra": _draw_spectra} if has_spectra(run) else {}
    return {"convergence": _main(run), **more}


def _main(run: Run) -> Draw:
    if has_dichotomy_map(run):
        return _draw_dichotomy
    if has_coordinates(run):
        return _draw_coordinates
    if has_transfer(run):
        return _draw_transfer
    if has_correlation(run):
        return _draw_correlation
    return _draw_diagram if has_phase_diagram(run) else _draw_curves


def _draw_coordinates(run: Run, curves: Curves, path: Path) -> None:
    draw_coordinates(coordinate_panels(*curves), path)


def _draw_dichotomy(run: Run, curves: Curves, path: Path) -> None:
    draw_dichotomy(dichotomy_map(curves[0]), path)


def _draw_curves(run: Run, curves: Curves, path: Path) -> None:
    figure(*curves, path)


def _draw_diagram(run: Run, curves: Curves, path: Path) -> None:
    model: Any = run.record.spec["model"]
    trials = open_results(run.path)["trials"].to_dataset()
    draw_phase_diagram(phase_diagram(model["activation"], trials), path)


def _draw_transfer(run: Run, curves: Curves, path: Path) -> None:
    draw_transfer(transfer_of(run, float(curves[1].attrs["confidence"])), path)


def _draw_correlation(run: Run, curves: Curves, path: Path) -> None:
    draw_correlation(correlation_of(run, float(curves[1].attrs["confidence"])), path)


def _draw_trajectories(run: Run, curves: Curves, path: Path) -> None:
    draw_trajectories(trajectories(run.record.spec, open_results(run.path)), path)


def _draw_spectra(run: Run, curves: Curves, path: Path) -> None:
    draw_spectra(spectra(open_results(run.path)), path)
