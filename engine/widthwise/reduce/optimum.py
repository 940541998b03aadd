"""Optimum: the learning rate of least loss at every width, and the power of the width that it drifts with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from widthwise.reduce.jackknife import jackknife_variance
from widthwise.reduce.samples import Array


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """Of one width: binary logarithms of the best rate and of the loss there; NaN if the best is the first or last.

    ``variance`` is that of the best rate over trials, by delete-one jackknife; NaN of a single trial.
    """

    rate: float
    loss: float
    variance: float
    trials: int


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Slope of log2 of the best rate against log2 of the width; NaN where fewer than three widths have one."""

    slope: float
    low: float
    high: float


def optimum(rates: Array, losses: Array) -> Optimum:
    """Where the geometric mean over trials is least, between rates by the parabola through the three best neighbours.

    Args:
        rates: binary logarithms, ascending, (rate,).
        losses: binary logarithms, finite, (trial, rate).
    """
    count = len(losses)
    if count == 0:
        return Optimum(rate=np.nan, loss=np.nan, variance=np.nan, trials=0)
    whole = losses.mean(axis=0)
    rate, loss = _vertex(rates, whole)
    variance = np.nan
    if count > 1:
        without = [_vertex(rates, (count * whole - row) / (count - 1))[0] for row in losses]
        variance = float(jackknife_variance(np.array(without)))
    return Optimum(rate=rate, loss=loss, variance=variance, trials=count)


def drift(widths: Array, optima: Sequence[Optimum], confidence: float) -> Drift:
    """By least squares over the widths that have an optimum; the longer of two intervals.

    One is of what the trials scatter (unknown of single trials), the other of what the optima scatter around the line,
    which is more where the loss is rough between the learning rates.
    """
    known = [k for k, each in enumerate(optima) if np.isfinite(each.rate)]
    if len(known) < 3:
        return Drift(slope=np.nan, low=np.nan, high=np.nan)
    x, y = np.log2(widths[known]), np.array([optima[k].rate for k in known])
    away = x - x.mean()
    weights = away / np.square(away).sum()
    slope = float((weights * y).sum())
    residual = np.square(y - y.mean() - slope * away).sum() / (len(known) - 2)
    by_trials = (np.square(weights) * [optima[k].variance for k in known]).sum()
    degrees = np.array([len(known) - 2, sum(optima[k].trials - 1 for k in known)])
    variances = np.array([residual * np.square(weights).sum(), by_trials])
    reach = float(np.nanmax(special.stdtrit(degrees, 0.5 + 0.5 * confidence) * np.sqrt(variances)))
    return Drift(slope=slope, low=slope - reach, high=slope + reach)


def _vertex(x: Array, y: Array) -> tuple[float, float]:
    """Of the parabola through the least y and its neighbours; NaN without one of these."""
    least = int(y.argmin())
    if not 0 < least < len(y) - 1:
        return np.nan, np.nan
    at, values = x[least - 1 : least + 2], y[least - 1 : least + 2]
    before, after = np.diff(values) / np.diff(at)
    curvature = (after - before) / (at[2] - at[0])  # positive: the least is the first of its kind
    place = (at[0] + at[1]) / 2 - before / (2 * curvature)
    return float(place), float(values[1] + (place - at[1]) * (before + curvature * (place - at[0])))
