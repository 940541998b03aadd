"""Curve: how far a readout is from its limit at each width, with interval and noise floor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from widthwise.reduce.estimates import METRICS, Estimates
from widthwise.reduce.jackknife import jackknife_variance
from widthwise.reduce.noise import Noise, satterthwaite
from widthwise.reduce.samples import Array

BIAS = np.array([metric == "bias" for metric in METRICS])[:, None]
RMS = np.array([metric in ("rms", "w2") for metric in METRICS])[:, None]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Distances relative to the norm of the limit or the readout's scale; every array is (metric, width).

    All are NaN where no distance is known: the readout has no such metric, or fewer than two trials are there.

    Attributes:
        value: the distance; 0 where less is left than the noise adds.
        low: lower end of the interval.
        high: upper end of the interval.
        noise_floor: what noise and rounding feign in at most 1 - confidence of all runs.
        resolved: whether the distance rises above its noise floor, whichever replicate is left out.
        trial_variance: jackknife variance over trials of the logarithm.
        pooled_variance: the same, pooled over widths where theory says how it depends on the width.
        limit_variance: jackknife variance over replicates of the limit of the logarithm.
        share: relative variance that theory predicts, up to a factor common to all widths.
    """

    value: Array
    low: Array
    high: Array
    noise_floor: Array
    resolved: NDArray[np.bool_]
    trial_variance: Array
    pooled_variance: Array
    limit_variance: Array
    share: Array


def curve(estimates: Estimates, confidence: float) -> Curve:
    """Values, intervals and noise floors.

    Where a distance is resolved its interval is symmetric on the logarithmic scale, a quantile of Student's t times
    the jackknife error. Elsewhere it reaches from 0 to the largest distance that the noise may hide.
    """
    noises = _noises(estimates)
    noise = np.array([[each.variance for each in row] for row in noises]) / estimates.norm
    bound = np.array([[each.square_bound(confidence) for each in row] for row in noises]) / estimates.norm
    value = np.sqrt(np.maximum(estimates.squares, 0.0))
    feigned = np.sqrt(np.maximum(bound - noise, 0.0) + np.square(np.nan_to_num(estimates.arithmetic)))
    noise_floor = feigned + 0.0 * value
    trial_variance = _trial_variance(estimates, noises)
    limit_variance = jackknife_variance(estimates.limit_changes)
    resolved = (value > noise_floor) & ~np.isinf(trial_variance + limit_variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        trial_share, limit_share = _shares(estimates)
        pooled_variance, degrees = _pooled(estimates, np.where(resolved, trial_variance, np.nan), trial_share)
        reach = np.exp(_log_reach(estimates, pooled_variance, degrees, limit_variance, confidence))
        hidden = np.sqrt(np.maximum(estimates.squares + noise, 0.0)) + np.sqrt(bound)
        return Curve(
            value=value,
            low=np.where(resolved, value / reach, 0.0 * value),
            high=np.where(resolved, value * reach, hidden),
            noise_floor=noise_floor,
            resolved=resolved,
            trial_variance=trial_variance,
            pooled_variance=pooled_variance,
            limit_variance=limit_variance,
            share=trial_share + limit_share,
        )


def _noises(estimates: Estimates) -> list[list[Noise]]:
    """Noise in each squared distance (metric, width): none in std, the limit's in rms and w2, both in bias."""
    limit = estimates.reference_noise
    noises = {
        "rms": [limit for _ in estimates.trial_noise],
        "bias": [trial + limit for trial in estimates.trial_noise],
        "std": [limit.scaled(0.0) for _ in estimates.trial_noise],
        "w2": [limit for _ in estimates.trial_noise],
    }
    return [noises[metric] for metric in METRICS]


def _trial_variance(estimates: Estimates, noises: list[list[Noise]]) -> Array:
    """Jackknife variance over trials of the logarithm of each distance.

    Leaving out one trial shows the gradient of a squared bias only, which vanishes where the noise happens to cancel
    part of the bias; the variance of the squared noise itself is added.
    """
    jackknife = np.stack([jackknife_variance(changes) for changes in estimates.trial_changes], axis=-1)
    squared_noise = np.array([[each.square_variance for each in row] for row in noises]) / estimates.norm**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return jackknife + np.where(BIAS, 0.25 * squared_noise / np.square(estimates.squares), 0.0)


def _shares(estimates: Estimates) -> tuple[Array, Array]:
    """Variances of the logarithm that theory predicts from trials and from the limit, up to a factor per metric.

    The spread of a trial and a fluctuation of the limit meet in the square of rms, so its variance grows from
    1 / trials to (1 + 2 r) / trials + r^2, r being the limit's noise relative to the spread. The square of a bias b / n
    with noise N has relative variance in proportion to N^2 / (b / n)^2.
    """
    spread = np.array([trial.variance for trial in estimates.trials])
    count = np.array([trial.count for trial in estimates.trials], dtype=np.float64)
    limit = estimates.reference_noise.variance
    ratio = np.where(RMS, limit / spread, 0.0)
    square_width = np.square(estimates.widths)
    return (
        np.where(BIAS, spread / count * square_width, (1.0 + 2.0 * ratio) / count),
        np.where(BIAS, limit * square_width, np.square(ratio)),
    )


def _pooled(estimates: Estimates, variance: Array, share: Array) -> tuple[Array, Array]:
    """Variance over trials, pooled over widths in proportion to its share, and its degrees of freedom.

    The variance of eight trials is itself uncertain. That of the bias is left alone: its share supposes its slope.
    """
    degrees = np.array([[trial.count - 1.0 for trial in estimates.trials]])
    weights = np.where(np.isfinite(variance), degrees, 0.0)
    total = weights.sum(axis=-1, keepdims=True)
    unit = np.where(weights > 0, weights * variance / share, 0.0).sum(axis=-1, keepdims=True) / total
    return np.where(BIAS, variance, unit * share), np.where(BIAS, degrees, total)


def _log_reach(
    estimates: Estimates, trial_variance: Array, degrees: Array, limit_variance: Array, confidence: float
) -> Array:
    """Half of each interval on the logarithmic scale."""
    variances = np.stack([trial_variance, limit_variance])
    limit_degrees = np.full_like(trial_variance, max(estimates.reference.count - 1, 1))
    total_degrees = satterthwaite(variances, np.stack([degrees, limit_degrees]), axis=0)
    return special.stdtrit(total_degrees, 0.5 + 0.5 * confidence) * np.sqrt(variances.sum(axis=0))
