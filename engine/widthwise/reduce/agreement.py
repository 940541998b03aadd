"""Agreement: do the finite widths extrapolate to the limit, and which error keeps us from knowing better."""

from dataclasses import dataclass, replace

import numpy as np

from widthwise.reduce.estimates import Estimates
from widthwise.reduce.linear_fit import linear_fit
from widthwise.reduce.samples import Array


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The difference extrapolated to infinite width and the error budget at the largest width.

    All relative to the norm of the limit or the readout's scale; NaN where unknown.

    Attributes:
        extrapolated: norm of the difference.
        extrapolated_low: lower confidence bound of the true one.
        extrapolated_high: upper confidence bound of the true one.
        width_bias: what the mean over infinitely many trials would differ from the limit.
        trial_noise: standard error of the mean over the trials.
        limit_noise: standard error of the limit; 0 for a closed form.
        arithmetic: error of the run's dtype.
    """

    extrapolated: float = np.nan
    extrapolated_low: float = np.nan
    extrapolated_high: float = np.nan
    width_bias: float = np.nan
    trial_noise: float = np.nan
    limit_noise: float = np.nan
    arithmetic: float = np.nan


def agreement(estimates: Estimates, confidence: float) -> Agreement:
    """Fit ``mean q_n = q_infinity + c / n`` to the vectors of all widths and compare q_infinity with the limit.

    The fit is a fixed combination of means, weighted by trials * n as independent averages of n coordinates are. Its
    error adds the noise of every mean and of the limit; by the triangle inequality the true difference is within the
    bound of that noise (and the arithmetic error) of the one found.
    """
    complete = [k for k, trial in enumerate(estimates.trials) if trial.count >= 2]
    if not complete or not np.isfinite(estimates.norm) or not np.isfinite(estimates.reference.mean).all():
        return Agreement()
    budget = Agreement(
        trial_noise=float(np.sqrt(estimates.trial_noise[complete[-1]].variance / estimates.norm)),
        limit_noise=float(np.sqrt(estimates.reference_noise.variance / estimates.norm)),
        arithmetic=estimates.arithmetic,
    )
    return budget if len(complete) < 2 else _extrapolated(estimates, complete, budget, confidence)


def _extrapolated(estimates: Estimates, complete: list[int], budget: Agreement, confidence: float) -> Agreement:
    widths = estimates.widths[complete]
    counts = np.array([estimates.trials[k].count for k in complete])
    level, slope = linear_fit(np.stack([np.ones_like(widths), 1.0 / widths]), counts * widths)
    norm = np.sqrt(estimates.norm)
    means = np.stack([estimates.trials[k].mean for k in complete])
    noises = [estimates.trial_noise[k] for k in complete]
    level_noise = sum(
        (noise.scaled(factor**2) for noise, factor in zip(noises, level, strict=True)), estimates.reference_noise
    )
    slope_noise = sum(noise.variance * factor**2 for noise, factor in zip(noises, slope, strict=True))
    found = _length((level[:, None] * means).sum(axis=0) - estimates.reference.mean) / norm
    reach = np.sqrt(level_noise.square_bound(confidence)) / norm + np.nan_to_num(estimates.arithmetic)
    rate = np.sqrt(max(_length((slope[:, None] * means).sum(axis=0)) ** 2 - slope_noise, 0.0)) / norm
    return replace(
        budget,
        extrapolated=float(found),
        extrapolated_low=float(max(found - reach, 0.0)),
        extrapolated_high=float(found + reach),
        width_bias=float(rate / estimates.widths[complete[-1]]),
    )


def _length(vector: Array) -> float:
    return float(np.sqrt(np.square(vector).sum()))
