"""Profiles: a readout step by step along one of its dimensions, in the limit and at the smallest and largest width."""

import math

import numpy as np
import xarray as xr

from widthwise.reduce.estimates import Estimates
from widthwise.reduce.samples import Array, Samples

READINGS = ("limit", "narrowest", "widest")
"""Which values: the limit, and the means over the trials of the smallest and the largest computed width."""


def profile(samples: Samples, estimates: Estimates, length: int) -> tuple[Array, Array]:
    """Values of READINGS and their standard errors: 0 of a closed form, NaN of a single trial.

    Returns:
        Twice (reading, length); NaN where nothing is known, and for a readout that has no profile.
    """
    values, errors = np.full((2, len(READINGS), length), np.nan)
    if not samples.steps:
        return values, errors
    values[0] = _by_step(estimates.reference.mean[None], samples.steps)[0]
    errors[0] = 0.0 if samples.exact is not None else _error(_by_step(samples.limit, samples.steps))
    computed = [rows for rows in samples.trials if len(rows)]
    for reading, rows in enumerate((*computed[:1], *computed[-1:]), 1):
        each = _by_step(rows, samples.steps)
        values[reading], errors[reading] = each.mean(axis=0), _error(each)
    return values, errors


def profiled(trials: xr.Dataset) -> str | None:
    """The dimension along which readouts are to be looked at, None if there is none; an experiment has one at most."""
    named = {str(each.attrs["profile"]) for each in trials.data_vars.values() if "profile" in each.attrs}
    return next(iter(named - {"width"}), None)


def _by_step(rows: Array, steps: int) -> Array:
    """One value a step, (replicate, step): of pairs of inputs the mean of the diagonal."""
    inputs = math.isqrt(rows.shape[1] // steps)
    return np.einsum("rsii->rs", rows.reshape(len(rows), steps, inputs, inputs)) / inputs


def _error(values: Array) -> Array:
    """Standard error of the mean over replicates."""
    count, steps = values.shape
    return values.std(axis=0, ddof=1) / math.sqrt(count) if count > 1 else np.full(steps, np.nan)
