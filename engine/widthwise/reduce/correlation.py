"""Correlation: of measured variables with an outcome over trials, and of the outcome with its best linear prediction.

Intervals are by delete-one jackknife and Student's t: of correlations on Fisher's scale (the inverse hyperbolic
tangent), where they are close to normal and end inside of (-1, 1) whatever the law of the variables; no random numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from widthwise.reduce.jackknife import jackknife_variance
from widthwise.reduce.samples import Array

FEWEST = 4
"""Trials below which nothing is said."""

WHOLE = 1 - 1e-12
"""What a correlation of 1 counts as, on Fisher's scale."""

COLLINEAR = 1e-10
"""Directions of the variables that are so many times smaller than the largest are none."""

Statistic = Callable[[Array, Array], Array]
"""Of variables (trial, variable) and the outcome (trial,), any number of values."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Multiple correlation R, the root of a share of the variance of the outcome, 0 where that is negative.

    Attributes:
        raw: the share that the regression explains; grows with every variable, whatever it is.
        adjusted: for the number of variables, hence nearly without bias; its interval is one of R.
        predicted: the share that regressions without a trial predict of that trial.
    """

    raw: float
    adjusted: Estimate
    predicted: Estimate


def pearson(variables: Array, outcome: Array) -> Array:
    """Linear correlations, (variable,); NaN of a constant."""
    x, y = variables - variables.mean(axis=0), outcome - outcome.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y[:, None]).sum(axis=0) / np.sqrt(np.square(x).sum(axis=0) * np.square(y).sum())


def spearman(variables: Array, outcome: Array) -> Array:
    """Correlations of ranks, ties having their mean rank, (variable,)."""
    return pearson(np.apply_along_axis(ranks, 0, variables), ranks(outcome))


def ranks(values: Array) -> Array:
    """1 for the least; equal values share the mean of theirs."""
    ordered = np.sort(values)
    return (1 + np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def correlations(statistic: Statistic, variables: Array, outcome: Array, confidence: float) -> tuple[Estimate, ...]:
    """Of `pearson` or `spearman`, with intervals."""
    if len(outcome) < FEWEST:
        return (_UNKNOWN,) * variables.shape[1]
    found, reach = _jackknifed(lambda x, y: _fisher(statistic(x, y)), variables, outcome, confidence)
    ends = np.tanh([found, found - reach, found + reach]).T.tolist()
    return tuple(Estimate(value=value, low=low, high=high) for value, low, high in ends)


def difference(statistic: Statistic, variables: Array, outcome: Array, confidence: float) -> Estimate:
    """By how much the outcome correlates more, in absolute value, with the second of two variables than the first."""
    if len(outcome) < FEWEST:
        return _UNKNOWN
    found, reach = _jackknifed(lambda x, y: np.diff(np.abs(statistic(x, y))), variables, outcome, confidence)
    value, low, high = float(found[0]), float(found[0] - reach[0]), float(found[0] + reach[0])
    return Estimate(value=value, low=low, high=high)


def fit(variables: Array, outcome: Array, confidence: float) -> Fit:
    """Linear regression of the outcome on all variables; NaN without `FEWEST` trials more than variables."""
    if len(outcome) < variables.shape[1] + FEWEST:
        return Fit(raw=np.nan, adjusted=_UNKNOWN, predicted=_UNKNOWN)
    found, reach = _jackknifed(_shares, variables, outcome, confidence)
    (raw, _, _), *rest = _root(np.array([found, found - reach, found + reach])).T.tolist()
    adjusted, predicted = (Estimate(value=value, low=low, high=high) for value, low, high in rest)
    return Fit(raw=raw, adjusted=adjusted, predicted=predicted)


def _shares(variables: Array, outcome: Array) -> Array:
    """Shares of the variance: explained, the same adjusted, and predicted."""
    basis = _basis(variables)
    count, regressors = basis.shape
    away = outcome - outcome.mean()
    residual = away - basis @ (basis.T @ away)
    mean = away * count / (count - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        predicted = residual / (1 - np.square(basis).sum(axis=1))
        left = np.square(residual).sum() / np.square(away).sum()
        unpredicted = np.square(predicted).sum() / np.square(mean).sum()
    return 1 - np.array([left, left * (count - 1) / (count - regressors), unpredicted])


def _basis(variables: Array) -> Array:
    """Orthonormal columns that span the constants and the variables, as many as these have dimensions."""
    away = variables - variables.mean(axis=0)
    scale = np.sqrt(np.square(away).mean(axis=0))
    columns = np.concatenate([np.ones((len(away), 1)), away / np.where(scale > 0, scale, 1.0)], axis=1)
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    basis: Array = left[:, sizes > COLLINEAR * sizes[0]]
    return basis


def _jackknifed(statistic: Statistic, variables: Array, outcome: Array, confidence: float) -> tuple[Array, Array]:
    """Values and how far their intervals reach."""
    trials = range(len(outcome))
    without = [statistic(np.delete(variables, k, axis=0), np.delete(outcome, k)) for k in trials]
    deviation = np.sqrt(jackknife_variance(np.stack(without, axis=-1)))
    return statistic(variables, outcome), special.stdtrit(len(outcome) - 1, 0.5 + 0.5 * confidence) * deviation


def _fisher(correlation: Array) -> Array:
    return np.arctanh(np.clip(correlation, -WHOLE, WHOLE))


def _root(shares: Array) -> Array:
    """Of shares of the variance, in [0, 1]; NaN stays."""
    return np.sqrt(np.clip(shares, 0.0, 1.0))


_UNKNOWN = Estimate(value=np.nan, low=np.nan, high=np.nan)
