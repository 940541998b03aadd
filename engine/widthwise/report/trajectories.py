"""Trajectories: outputs step by step in the limit and at both ends of the widths, a rearrangement of results."""

import itertools
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.reduce.samples import samples, sweep_axes
from widthwise.report.entries import point_label
from widthwise.store import Run

Array = NDArray[np.float64]
OUTPUT, STEP = "output", "step"

MOST_INPUTS = 4
"""Inputs that are shown, each in a colour of its own."""
MOST_POINTS = 12
"""Points of a sweep that are shown."""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Mean and standard deviation over replicates, (input, step); NaN where nothing is known."""

    mean: Array
    deviation: Array


@dataclass(frozen=True, kw_only=True)
class TrajectoryPanel:
    """The outputs at one point of a sweep; ``narrow`` are those of the smallest width, ``wide`` of the largest."""

    title: str
    limit: Outputs
    narrow: Outputs
    wide: Outputs


@dataclass(frozen=True, kw_only=True)
class Trajectories:
    """``tested`` says whether the inputs that are shown are test inputs, ``points`` how many points the sweep has."""

    steps: Array
    tested: bool
    widths: tuple[int, int]
    points: int
    panels: tuple[TrajectoryPanel, ...]


def has_trajectories(run: Run) -> bool:
    """Whether a run holds outputs step by step."""
    return any(each.name == OUTPUT and each.dims[0] == STEP for each in run.layout.readouts)


def trajectories(spec: Mapping[str, Any], tree: xr.DataTree) -> Trajectories:
    """The first test inputs; those trained on if there are no others. Of several outputs the first.

    Args:
        spec: of the run, plain.
        tree: its results, of a run for which `has_trajectories`.
    """
    trials = tree["trials"].to_dataset()
    axes = sweep_axes(trials)
    indices = list(itertools.product(*(range(trials.sizes[axis]) for axis in axes)))
    points: list[dict[Hashable, int]] = [dict(zip(axes, index, strict=True)) for index in indices]
    values = [{str(axis): trials[axis].to_numpy().tolist()[at] for axis, at in point.items()} for point in points]
    count = trials.sizes["input"]
    trained = [each.get("training.train", spec["training"]["train"]) or count for each in values]
    tested = max(trained) < count
    first = max(trained) if tested else 0
    chosen = slice(first, min(first + MOST_INPUTS, count))
    ends = _ends(trials)
    return Trajectories(
        steps=trials[STEP].to_numpy().astype(np.float64),
        tested=tested,
        widths=ends,
        points=len(points),
        panels=tuple(
            _panel(tree, point, point_label(value), chosen)
            for point, value in zip(points[:MOST_POINTS], values, strict=False)
        ),
    )


def _ends(trials: xr.Dataset) -> tuple[int, int]:
    """The smallest and the largest width that were computed; of all widths if none was."""
    ordered = trials.sortby("width")
    computed = ordered["trial_count"].any(sweep_axes(trials)).to_numpy()
    widths = ordered["width"].to_numpy()
    found = widths[computed] if computed.any() else widths
    return int(found[0]), int(found[-1])


def _panel(tree: xr.DataTree, point: Mapping[Hashable, int], title: str, chosen: slice) -> TrajectoryPanel:
    found = samples(tree, OUTPUT, point)
    shape = tree["trials"][OUTPUT].isel({**point, "width": 0, "trial": 0}).shape
    computed = [rows for rows in found.trials if len(rows)] or [found.trials[0]]
    limit = found.limit if found.exact is None else found.exact[None]
    return TrajectoryPanel(
        title=title,
        limit=_outputs(limit, shape, chosen),
        narrow=_outputs(computed[0], shape, chosen),
        wide=_outputs(computed[-1], shape, chosen),
    )


def _outputs(rows: Array, shape: tuple[int, ...], chosen: slice) -> Outputs:
    """Of replicates (replicate, size) of a readout (step, input) or (step, input, component)."""
    values = rows.reshape(len(rows), *shape[:2], math.prod(shape[2:]))[:, :, chosen, 0].transpose(0, 2, 1)
    unknown = np.full(values.shape[1:], np.nan)
    return Outputs(
        mean=values.mean(axis=0) if len(rows) else unknown,
        deviation=values.std(axis=0, ddof=1) if len(rows) > 1 else unknown,
    )
