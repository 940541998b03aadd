"""Sizes: the norm of a readout at every width and in the limit, where its distance from 0 is the question."""

import numpy as np
import xarray as xr

from widthwise.reduce.estimates import Estimates
from widthwise.reduce.samples import Array, Samples


def size(samples: Samples, estimates: Estimates) -> tuple[Array, Array, float]:
    """Root mean square norm over trials by width, its standard error, and the norm of the limit.

    Returns:
        (width,), (width,) and a number; NaN where nothing is known, and for a readout that is not looked at so.
    """
    nothing = np.full(len(samples.widths), np.nan)
    if not samples.sized:
        return nothing, nothing, np.nan
    squares = [np.square(rows).sum(axis=1) for rows in samples.trials]
    sizes = np.array([np.sqrt(each.mean()) if each.size else np.nan for each in squares])
    errors = np.array([each.std(ddof=1) / np.sqrt(each.size) if each.size > 1 else np.nan for each in squares])
    with np.errstate(invalid="ignore", divide="ignore"):
        return sizes, errors / (2 * sizes), float(np.linalg.norm(estimates.reference.mean))


def any_sized(trials: xr.Dataset) -> bool:
    """Whether a readout is looked at so."""
    return any(each.attrs.get("profile") == "width" for each in trials.data_vars.values())
