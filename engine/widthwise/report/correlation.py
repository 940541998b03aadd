"""Correlation: how far spectra of random architectures tell their accuracy, from the results of a run."""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.reduce.correlation import Estimate, Fit, correlations, difference, fit, pearson, spearman
from widthwise.reduce.samples import sweep_axes
from widthwise.report.entries import point_label
from widthwise.store import Run, open_results

Array = NDArray[np.float64]

LOW, HIGH = 0.1, 0.9
"""Levels of the quantiles that the claim is judged by: that of strongest correlation in the paper, and its mirror."""

Verdict = Literal["yes", "no", "undetermined"]


@dataclass(frozen=True, kw_only=True)
class Relation:
    """What the complete trials of one width, at one point of what is swept, say of accuracy.

    Attributes:
        point: values of the swept keys.
        width: n.
        quantiles: common logarithms of squared singular values, (trial, level).
        accuracy: (trial,).
        spearman: correlations of ranks with the quantile of every level.
        pearson: linear correlations with it.
        gain: correlation of ranks of accuracy and gain alone.
        fit: of accuracy by the quantiles of all levels.
        difference: how much stronger the correlation of ranks is at level `HIGH` than at `LOW`.
        higher: whether higher quantiles correlate more, as published.
    """

    point: Mapping[str, object]
    width: int
    quantiles: Array
    accuracy: Array
    spearman: tuple[Estimate, ...]
    pearson: tuple[Estimate, ...]
    gain: Estimate
    fit: Fit
    difference: Estimate
    higher: Verdict

    @property
    def title(self) -> str:
        """Of the width and the point."""
        return ", ".join([f"n = {self.width:,}", *([point_label(self.point)] if self.point else [])])

    @property
    def strongest(self) -> int:
        """The index of the level that correlates most by ranks; the last where nothing is known."""
        sizes = np.abs([each.value for each in self.spearman])
        return len(sizes) - 1 if np.isnan(sizes).all() else int(np.nanargmax(sizes))


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """``levels`` ascend; a relation for every width of every point."""

    levels: tuple[float, ...]
    confidence: float
    relations: tuple[Relation, ...]


def has_correlation(run: Run) -> bool:
    """Whether a run measures spectra and accuracies."""
    return run.record.spec["experiment"] == "spectrum_vs_accuracy"


def correlation_of(run: Run, confidence: float) -> Correlation:
    """What all complete trials of a run for which `has_correlation` say."""
    return correlation(open_results(run.path)["trials"].to_dataset(), confidence)


def correlation(trials: xr.Dataset, confidence: float) -> Correlation:
    """How accuracy goes with quantiles of the spectrum, at every width of every point of what is swept.

    Args:
        trials: the group ``trials`` of a run for which `has_correlation`.
        confidence: of the intervals.
    """
    axes: list[Hashable] = [*sweep_axes(trials), "width"]
    ordered = trials.sortby("width").transpose(*axes, "trial", ...)
    positions = itertools.product(*(range(ordered.sizes[axis]) for axis in axes))
    return Correlation(
        levels=tuple(ordered["level"].to_numpy().tolist()),
        confidence=confidence,
        relations=tuple(
            _relation(ordered.isel(dict(zip(axes, position, strict=True))), confidence) for position in positions
        ),
    )


def _relation(trials: xr.Dataset, confidence: float) -> Relation:
    complete = trials.isel(trial=slice(int(trials["trial_count"])))
    quantiles, accuracy = complete["quantile"].to_numpy(), complete["accuracy"].to_numpy()
    levels = np.round(complete["level"].to_numpy(), 6).tolist()
    ends = quantiles[:, [levels.index(LOW), levels.index(HIGH)]]
    apart = difference(spearman, ends, accuracy, confidence)
    by_rank = correlations(spearman, quantiles, accuracy, confidence)
    return Relation(
        point={str(axis): trials[axis].item() for axis in trials.coords if "." in str(axis)},
        width=int(trials["width"]),
        quantiles=quantiles,
        accuracy=accuracy,
        spearman=by_rank,
        pearson=correlations(pearson, quantiles, accuracy, confidence),
        gain=correlations(spearman, complete["gain"].to_numpy()[:, None], accuracy, confidence)[0],
        fit=fit(quantiles, accuracy, confidence),
        difference=apart,
        higher=_judged(by_rank[levels.index(HIGH)], apart),
    )


def _judged(high: Estimate, apart: Estimate) -> Verdict:
    """Positive above, and more so than below."""
    if high.low > 0 and apart.low > 0:
        return "yes"
    return "no" if high.high < 0 or apart.high < 0 else "undetermined"
