"""Entries: the results of a run one by one, a readout at a point of the sweep each."""

import itertools
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import xarray as xr

from widthwise.reduce.estimates import METRICS_OF
from widthwise.reduce.samples import Kind


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``curves`` and ``verdicts`` of one readout at one point (values of the swept keys)."""

    point: Mapping[str, object]
    readout: str
    curves: xr.Dataset
    verdicts: xr.Dataset

    @property
    def label(self) -> str:
        """The readout and, in a sweep, its point: ``ntk, activation = erf``."""
        return ", ".join([self.readout, *([point_label(self.point)] if self.point else [])])

    @property
    def kind(self) -> Kind:
        """What decides its metrics."""
        return cast("Kind", meaning(self.curves, "kind"))

    @property
    def is_law(self) -> bool:
        """Whether the readout is a law on the line."""
        return self.kind == "law"

    @property
    def is_size(self) -> bool:
        """Whether the readout has no limit, so that its size itself is the question."""
        return self.kind == "size"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the readout has, first the one that measures all of the distance."""
        return METRICS_OF[self.kind]


def sweep_axes(curves: xr.Dataset) -> tuple[str, ...]:
    """The swept keys, slowest first."""
    return tuple(str(dim) for dim in curves["reference"].dims if dim != "readout")


def entries(curves: xr.Dataset, verdicts: xr.Dataset) -> Iterator[Entry]:
    """All readouts of the first point, then of the next, in the order of the sweep."""
    axes = sweep_axes(curves)
    readouts = [str(name) for name in curves["readout"].to_numpy()]
    for position in itertools.product(*(range(curves.sizes[axis]) for axis in axes)):
        at: Mapping[Hashable, int] = dict(zip(axes, position, strict=True))
        here, judged = curves.isel(at), verdicts.isel(at)
        point = {axis: curves[axis].to_numpy().tolist()[index] for axis, index in zip(axes, position, strict=True)}
        for index, readout in enumerate(readouts):
            yield Entry(
                point=point, readout=readout, curves=here.isel(readout=index), verdicts=judged.isel(readout=index)
            )


def point_label(point: Mapping[str, object]) -> str:
    """``activation = erf, depth = 3``: a key without its table, which the value makes clear."""
    return ", ".join(f"{key.rpartition('.')[2]} = {value}" for key, value in point.items())


def ends(entry: Entry) -> tuple[int, int]:
    """The smallest and the largest width that were computed; of all widths if none was."""
    widths = entry.curves["width"].to_numpy()
    computed = widths[entry.curves["trials"].to_numpy() > 0]
    found = computed if computed.size else widths
    return int(found[0]), int(found[-1])


def number(values: xr.Dataset, name: str) -> float:
    """The scalar ``name`` of an entry."""
    return float(values[name].to_numpy())


def meaning(values: xr.Dataset, name: str) -> str:
    """The word that the flag ``name`` stands for, as its attributes say."""
    variable = values[name]
    codes = np.atleast_1d(variable.attrs["flag_values"]).tolist()
    return str(variable.attrs["flag_meanings"]).split()[codes.index(int(variable.to_numpy()))]
