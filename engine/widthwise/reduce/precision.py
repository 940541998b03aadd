"""Precision: how wide the interval of every distance is, and how much of it trials or the limit's replicates make."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.reduce.curve import curve
from widthwise.reduce.estimates import METRICS, METRICS_OF, estimates
from widthwise.reduce.readouts import Readout, readouts
from widthwise.reduce.samples import Array


@dataclass(frozen=True, kw_only=True)
class Precision:
    """The curve of rms, or of w2 of a law, of one readout at one sweep point; every array is (width,).

    An interval whose distance is resolved is ``scale * exp(+-quantile * sqrt(variance))``, the variance being that of
    the logarithm: the sum of one that falls as 1 / trials and one that falls as 1 / replicates. Where a distance is
    not resolved, the interval ends where the noise of a sampled limit lets it, in proportion to 1 / sqrt(replicates).

    Attributes:
        half_width: half the length of the interval, on the scale of the distance; of a size, which has no limit,
            relative to the size. NaN where there is none.
        scale: the distance, 1 of a size.
        resolved: whether the distance rises above its noise floor.
        quantile: of Student's t, 1 where no variance is known.
        by_trials: variance of the logarithm by the trials; 0 where trials change nothing.
        by_limit: the same by the replicates of the limit; unresolved, the square of the half width; 0 of a closed form.
    """

    point: int
    readout: str
    widths: tuple[int, ...]
    trials: Array
    replicates: int
    half_width: Array
    scale: Array
    resolved: NDArray[np.bool_]
    quantile: Array
    by_trials: Array
    by_limit: Array

    def allowed(self, half_width: float) -> Array:
        """What ``by_trials + by_limit`` must fall to for intervals of this half width."""
        with np.errstate(divide="ignore"):
            reach = np.arcsinh(half_width / self.scale) / self.quantile
        return np.where(self.resolved, np.square(reach), half_width**2)

    def squares(self) -> tuple[Array, Array]:
        """About the square of the half width, divided into what trials and what replicates of the limit make of it."""
        unit = np.where(self.resolved, np.square(self.scale * self.quantile), 1.0)
        return unit * self.by_trials, unit * self.by_limit


def precisions(tree: xr.DataTree, confidence: float, first: Iterable[str]) -> Iterator[Precision]:
    """Of every readout at every point, with the intervals that `reduce` gives."""
    return map(precision, readouts(tree, confidence, first))


def precision(readout: Readout) -> Precision:
    """From the same estimates as the curve."""
    samples = readout.samples
    found = estimates(samples)
    distances = curve(found, readout.confidence)
    metric = METRICS.index(METRICS_OF[samples.kind][0])
    value, low, high = distances.value[metric], distances.low[metric], distances.high[metric]
    by_trials, by_limit = distances.pooled_variance[metric], distances.limit_variance[metric]
    resolved = distances.resolved[metric]
    half_width = (high - low) / 2
    is_size = samples.kind == "size"
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(by_trials + by_limit)
        quantile = np.log(high / value) / deviation
        half_width = np.where(is_size & (value > 0), half_width / value, half_width)
    sampled = found.reference.count > 0
    return Precision(
        point=readout.point,
        readout=readout.name,
        widths=tuple(int(width) for width in samples.widths),
        trials=np.array([trial.count for trial in found.trials], dtype=np.float64),
        replicates=found.reference.count,
        half_width=half_width,
        scale=np.ones_like(value) if is_size else value,
        resolved=resolved,
        quantile=np.where(resolved & (deviation > 0), quantile, 1.0),
        by_trials=np.where(resolved, by_trials, 0.0),
        by_limit=np.where(resolved, by_limit, np.square(half_width) * sampled),
    )
