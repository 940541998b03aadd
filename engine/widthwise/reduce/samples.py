"""Samples: the complete trials, limit replicates and closed form of one readout at one point of the sweep."""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.theory.cells import Spacing, borders

Array = NDArray[np.float64]
Kind = Literal["array", "law", "size"]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What is known of one readout, its own dimensions flattened to one (``size``).

    ``trials`` holds one array (trial, size) for each width, ``limit`` is (replicate, size); both may be empty.
    ``arithmetic`` is the difference that the run's dtype makes to one trial, (size,). ``cells`` is the number of cells
    of the quantile functions that a law consists of, 0 for any other readout, and ``spacing`` how they lie: the values
    of cells of unequal mass are weighed (`weights`), so that squares may be averaged over all cells alike. ``scale`` is
    the norm that distances are relative to, None for that of the limit. ``steps`` is the length of the dimension along
    which the readout is looked at, 0 if there is none; ``sized`` says that its norm is looked at against the width.
    ``predicted`` is of a size, which has no limit, the power of the width that theory predicts, NaN if none:
    distances are from 0, and trials that diverged, which count, are NaN.
    """

    widths: Array
    trials: tuple[Array, ...]
    limit: Array
    exact: Array | None
    arithmetic: Array | None
    cells: int = 0
    scale: float | None = None
    spacing: Spacing = "even"
    steps: int = 0
    sized: bool = False
    predicted: float | None = None

    @property
    def kind(self) -> Kind:
        """Which metrics the readout has."""
        return "law" if self.cells else "array" if self.predicted is None else "size"

    @property
    def borders(self) -> Array:
        """Borders of the cells of a law in (0, 1)."""
        return borders(self.spacing, self.cells)

    @property
    def weights(self) -> Array:
        """What values of a law are multiplied by, (cell,): the root of a cell's mass relative to an equal share."""
        return np.sqrt(np.diff(self.borders) * self.cells)


def sweep_axes(trials: xr.Dataset) -> tuple[str, ...]:
    """The swept keys: the dimensions that ``trial_count`` has besides the width."""
    return tuple(str(dim) for dim in trials["trial_count"].dims if dim != "width")


def readout_names(trials: xr.Dataset, first: Iterable[str]) -> tuple[str, ...]:
    """The readouts, those named ``first`` in that order, then the rest in the order of the store."""
    stored = [str(name) for name in trials.data_vars if name != "trial_count"]
    return tuple(dict.fromkeys([*(name for name in first if name in stored), *stored]))


def samples(tree: xr.DataTree, readout: str, point: Mapping[Hashable, int]) -> Samples:
    """Everything complete of ``readout`` at ``point`` (positions on the swept axes)."""
    trials = tree["trials"].to_dataset().isel(point).sortby("width")
    variable = trials[readout].transpose("width", "trial", ...)
    values = variable.to_numpy()
    counts = trials["trial_count"].to_numpy()
    limit = _readout(tree, "limit", readout, point)
    law, profile = variable.attrs.get("law"), variable.attrs.get("profile")
    found = Samples(
        widths=trials["width"].to_numpy().astype(np.float64),
        trials=tuple(_completed_prefix(row, int(count)) for row, count in zip(values, counts, strict=True)),
        limit=np.empty((0, math.prod(values.shape[2:]))) if limit is None else _finite_rows(limit),
        exact=_if_finite(_readout(tree, "exact", readout, point)),
        arithmetic=_if_finite(_readout(tree, "arithmetic", readout, point)),
        cells=values.shape[-1] if law else 0,
        scale=variable.attrs.get("scale"),
        spacing=law or "even",
        steps=0 if profile == "width" else variable.sizes.get(profile, 0),
        sized=profile == "width",
    )
    if variable.attrs.get("size"):
        return _size(found, values, counts, _readout(tree, "exact", readout, point))
    return _weighed(found) if law else found


def _size(found: Samples, values: Array, counts: Array, predicted: Array | None) -> Samples:
    rows = (_flat(row[: int(count)]) for row, count in zip(values, counts, strict=True))
    return replace(
        found,
        trials=tuple(np.where(np.isfinite(each), each, np.nan) for each in rows),
        exact=np.zeros(found.limit.shape[1]),
        scale=1.0,
        predicted=np.nan if predicted is None else float(predicted.reshape(-1)[0]),
    )


def _weighed(law: Samples) -> Samples:
    size = law.limit.shape[1]
    weights = np.tile(law.weights, size // law.cells)
    return replace(
        law,
        trials=tuple(rows * weights for rows in law.trials),
        limit=law.limit * weights,
        exact=None if law.exact is None else law.exact * weights,
        arithmetic=None if law.arithmetic is None else law.arithmetic * weights,
    )


def _readout(tree: xr.DataTree, group: str, readout: str, point: Mapping[Hashable, int]) -> Array | None:
    if group not in tree.children or readout not in tree[group].data_vars:
        return None
    return tree[group].to_dataset()[readout].isel(point).to_numpy()


def _completed_prefix(values: Array, count: int) -> Array:
    """The first ``count`` trials, flattened, up to the first gap: what lies beyond must not decide a result."""
    rows = _flat(values[:count])
    complete = np.isfinite(rows).all(axis=1)
    return rows if complete.all() else rows[: int(complete.argmin())]


def _finite_rows(values: Array) -> Array:
    rows = _flat(values)
    return rows[np.isfinite(rows).all(axis=1)]


def _flat(values: Array) -> Array:
    """One row per replicate, also where there are none."""
    return values.reshape(len(values), math.prod(values.shape[1:]))


def _if_finite(values: Array | None) -> Array | None:
    return None if values is None or not np.isfinite(values).all() else values.reshape(-1)
