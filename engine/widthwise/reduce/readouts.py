"""Readouts: every readout at every point of a sweep, with the confidence that its intervals have."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import xarray as xr

from widthwise.reduce.samples import Samples, readout_names, samples, sweep_axes


@dataclass(frozen=True, kw_only=True)
class Readout:
    """What is complete of the readout ``name`` at the flat (row-major) sweep point ``point``."""

    point: int
    name: str
    samples: Samples
    confidence: float


def readouts(tree: xr.DataTree, confidence: float, first: Iterable[str]) -> Iterator[Readout]:
    """All readouts of the first point, those named ``first`` first, then of the next, in the order of the sweep.

    Sizes, which are many, share the confidence of all at a point together.
    """
    trials = tree["trials"].to_dataset()
    axes, names = sweep_axes(trials), readout_names(trials, first)
    shared = 1 - (1 - confidence) / max(1, sum(bool(trials[name].attrs.get("size")) for name in names))
    points = itertools.product(*(range(trials.sizes[axis]) for axis in axes))
    for flat, point in enumerate(points):
        for name in names:
            yield Readout(
                point=flat,
                name=name,
                samples=samples(tree, name, dict(zip(axes, point, strict=True))),
                confidence=shared if trials[name].attrs.get("size") else confidence,
            )
