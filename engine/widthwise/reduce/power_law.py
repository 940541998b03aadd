"""Power law: the slope of a distance against the width in a log-log plot, with its interval."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from widthwise.reduce.curve import Curve
from widthwise.reduce.estimates import Estimates
from widthwise.reduce.jackknife import jackknife_variance
from widthwise.reduce.linear_fit import linear_fit
from widthwise.reduce.noise import satterthwaite
from widthwise.reduce.samples import Array

WIDTHS_FOR_CORRECTION = 4
"""From this many widths on the fit can tell a power law from its first correction."""


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """distance = prefactor * width**slope * exp(correction / width); NaN if fewer than two widths are resolved."""

    slope: float = np.nan
    slope_low: float = np.nan
    slope_high: float = np.nan
    prefactor: float = np.nan
    correction: float = np.nan


def power_law(estimates: Estimates, curve: Curve, metric: int, confidence: float) -> PowerLaw:
    """Weighted least squares of the logarithm over the known widths before the first that is not resolved.

    A slope is a claim about large widths: at finite ones the square of rms, say, is a / n + b / n^2, and with enough
    trials a straight line would refuse any true slope. From four widths on the fit has a term correction / n.

    The weights come from the predicted share of the variance, so the slope is a fixed combination of logarithms; its
    variance adds up the jackknife over the trials of each width and that over the limit's replicates, which all
    widths share. The logarithm of an unbiased square is too small by its variance on average, which is put back.
    """
    used = np.logical_and.accumulate(curve.resolved[metric] | np.isnan(curve.value[metric])) & curve.resolved[metric]
    used &= np.isfinite(curve.trial_variance[metric] + curve.limit_variance[metric])
    widths = estimates.widths[used]
    if len(widths) < 2:
        return PowerLaw()
    fit = linear_fit(_columns(widths), 1.0 / curve.share[metric, used])
    y = np.log(curve.value[metric, used]) + curve.pooled_variance[metric, used] + curve.limit_variance[metric, used]
    level, slope, *correction = (fit * y).sum(axis=1).tolist()
    trial_variances = np.square(fit[1]) * curve.trial_variance[metric, used]
    limit_variance = jackknife_variance((fit[1][:, None] * estimates.limit_changes[metric, used]).sum(axis=0))
    variances = np.append(trial_variances, limit_variance)
    counts = np.array([trial.count for trial in estimates.trials])[used]
    degrees = np.append(counts - 1.0, max(estimates.reference.count - 1.0, 1.0))
    quantile = special.stdtrit(satterthwaite(variances, degrees), 0.5 + 0.5 * confidence)
    reach = float(quantile * np.sqrt(variances.sum()))
    return PowerLaw(
        slope=slope,
        slope_low=slope - reach,
        slope_high=slope + reach,
        prefactor=float(np.exp(level)),
        correction=float(correction[0] * widths[0]) if correction else 0.0,
    )


def _columns(widths: Array) -> Array:
    """Regressors of the logarithm; 1 / width is relative to the smallest so that the equations are well scaled."""
    columns = [np.ones_like(widths), np.log(widths)]
    return np.stack([*columns, widths[0] / widths] if len(widths) >= WIDTHS_FOR_CORRECTION else columns)
