"""Transfer: whether the best learning rate of a narrow network is that of a wide one, from the results of a sweep."""

import itertools
from collections.abc import Hashable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.reduce.optimum import Drift, Optimum, drift, optimum
from widthwise.reduce.samples import sweep_axes
from widthwise.report.entries import point_label
from widthwise.store import Run, open_results
from widthwise.training import OPTIMIZERS, Adam, Scaling
from widthwise.training.rule import Rule

Array = NDArray[np.float64]
RATE = "optimizer.learning_rate"

FEWEST = 3
"""Learning rates below which no optimum lies between them."""

STAYS = 0.25
"""A drift below is none: a best rate that a power of the width moves has one of at least 1/2."""

LEAST = 1e-30
"""What a loss of 0 counts as, on the logarithmic scale."""

Verdict = Literal["yes", "no", "undetermined"]


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Losses by width and learning rate at one point of what else is swept, and the best rates.

    Attributes:
        point: values of the other swept keys.
        means: geometric means of the loss over trials, (width, rate); NaN where no trial is complete.
        errors: standard errors of their natural logarithms.
        optima: by width.
        drift: of the best rate, as a power of the width.
        stays: whether there is no drift; None where theory expects nothing of it.
    """

    point: Mapping[str, object]
    means: Array
    errors: Array
    optima: tuple[Optimum, ...]
    drift: Drift
    stays: Verdict | None

    @property
    def title(self) -> str:
        """Of the point."""
        return point_label(self.point) or "loss"


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """``widths`` and ``rates`` ascend."""

    widths: Array
    rates: Array
    confidence: float
    points: tuple[Losses, ...]


def has_transfer(run: Run) -> bool:
    """Whether a run measures what training ends with at several learning rates."""
    rates = {axis.name: len(axis.values) for axis in run.layout.axes}.get(RATE, 0)
    return run.record.spec["experiment"] == "lr_transfer" and rates >= FEWEST


def transfer_of(run: Run, confidence: float) -> Transfer:
    """What all complete trials of a run for which `has_transfer` say."""
    return transfer(run.record.spec, open_results(run.path)["trials"].to_dataset(), confidence)


def transfer(spec: Mapping[str, Any], trials: xr.Dataset, confidence: float) -> Transfer:
    """Of every width the losses and the best rate, at each point of what else is swept.

    Args:
        spec: of the run, plain.
        trials: the group ``trials`` of a run for which `has_transfer`.
        confidence: of the intervals of drifts.
    """
    others: list[Hashable] = [axis for axis in sweep_axes(trials) if axis != RATE]
    ordered = trials.isel(step=-1).sortby([RATE, "width"]).transpose(*others, "width", RATE, "trial")
    points = itertools.product(*(range(ordered.sizes[axis]) for axis in others))
    chosen = [dict(zip(others, point, strict=True)) for point in points]
    return Transfer(
        widths=ordered["width"].to_numpy().astype(np.float64),
        rates=ordered[RATE].to_numpy().astype(np.float64),
        confidence=confidence,
        points=tuple(_losses(spec, ordered.isel(point), confidence) for point in chosen),
    )


def _losses(spec: Mapping[str, Any], trials: xr.Dataset, confidence: float) -> Losses:
    point = {str(axis): trials[axis].item() for axis in trials.coords if "." in str(axis) and not trials[axis].ndim}
    logs = np.log2(np.maximum(trials["loss"].to_numpy(), LEAST))
    counts = trials["trial_count"].transpose("width", RATE).to_numpy()
    widths = trials["width"].to_numpy().astype(np.float64)
    means, errors = np.full((2, *counts.shape), np.nan)
    for place in np.argwhere(counts > 0):
        at = tuple(place)
        means[at], errors[at] = _mean(logs[at][: counts[at]] * np.log(2))
    common = counts.min(axis=1)
    rates = np.log2(trials[RATE].to_numpy())
    optima = tuple(optimum(rates, each[:, :count].T) for each, count in zip(logs, common, strict=True))
    found = drift(widths, optima, confidence)
    return Losses(
        point=point,
        means=np.exp(means),
        errors=errors,
        optima=optima,
        drift=found,
        stays=_stays(found) if learns_features(spec, point) else None,
    )


def _mean(values: Array) -> tuple[float, float]:
    """And its standard error."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def _stays(found: Drift) -> Verdict:
    if max(-found.low, found.high) < STAYS:
        return "yes"
    return "no" if max(found.low, -found.high) > STAYS else "undetermined"


def learns_features(spec: Mapping[str, Any], point: Mapping[str, object]) -> bool:
    """Whether the parametrization at a point of a sweep is of the feature learning regime.

    An optimizer of a user's own is taken for one that is not linear.
    """
    tables = {name: deepcopy(spec[name]) for name in ("optimizer", "parametrization")}
    for key, value in point.items():
        *path, last = key.split(".")
        if path[0] in tables:
            table = tables
            for part in path:
                table = table[part]
            table[last] = value
    known = OPTIMIZERS.get(tables["optimizer"]["name"])
    optimizer = known.model_validate(tables["optimizer"], strict=False) if known else Adam()
    scaling = Scaling.model_validate(tables["parametrization"], strict=False)
    plan = Rule(optimizer=optimizer, scaling=scaling).plan(max(len(scaling.a or ()) - 2, 1))
    return plan.classification.regime == "feature_learning"
