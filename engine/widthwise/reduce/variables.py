"""Variables: names, descriptions and units of what a reduction stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, DTypeLike

from widthwise.reduce.estimates import METRICS_OF
from widthwise.reduce.verdict import NO, TERMS, UNDETERMINED, YES


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a variable means; ``flags`` names the codes of one that holds codes (as the CF conventions do)."""

    long_name: str
    text: str
    dtype: DTypeLike = np.float64
    flags: Mapping[int, str] = field(default_factory=dict)


def variable(name: str, dims: tuple[str, ...], rows: Sequence[ArrayLike], shape: tuple[int, ...]) -> xr.Variable:
    """The described variable ``name``; ``rows`` fill the leading ``shape`` in row-major order."""
    description = DESCRIPTIONS[name]
    values = np.array(rows, dtype=description.dtype)
    attributes: dict[str, object] = {
        "long_name": description.long_name,
        "units": "1",
        "description": description.text,
    }
    if description.flags:
        attributes["flag_values"] = list(description.flags)
        attributes["flag_meanings"] = " ".join(description.flags.values())
    return xr.Variable(dims, values.reshape(*shape, *values.shape[1:]), attributes)


VERDICT = {UNDETERMINED: "undetermined", NO: "no", YES: "yes"}
KINDS = dict(enumerate(METRICS_OF))
RELATIVE = "relative to the norm of the limit (or the readout's scale)"

DESCRIPTIONS: Mapping[str, Description] = {
    "value": Description(
        long_name="distance from the limit",
        text=f"rms, bias or std over trials, w2 of a law: rms of the Wasserstein-2 distance (sliced: mean square over "
        f"its vectors); {RELATIVE}, without what trial and limit noise add; 0 if nothing is left",
    ),
    "low": Description(
        long_name="lower end of the interval",
        text="two-sided confidence interval of the distance by delete-one jackknife; 0 if below the noise floor",
    ),
    "high": Description(
        long_name="upper end of the interval",
        text="two-sided confidence interval of the distance by delete-one jackknife; else what the noise may hide",
    ),
    "noise_floor": Description(
        long_name="noise floor",
        text=f"distance that noise and rounding feign in at most 1 - confidence of all runs, {RELATIVE}",
    ),
    "sample_floor": Description(
        long_name="distance of independent samples",
        text=f"rms of w2 between as many independent samples of the limit law as the width and that law, {RELATIVE}",
    ),
    "slope": Description(
        long_name="slope of the distance",
        text="asymptotic d log(distance) / d log(width), weighted least squares over the widths above the noise floor",
    ),
    "slope_low": Description(long_name="lower end of the slope's interval", text="by delete-one jackknife"),
    "slope_high": Description(long_name="upper end of the slope's interval", text="by delete-one jackknife"),
    "prefactor": Description(
        long_name="prefactor of the fitted power law",
        text="distance = prefactor * width ** slope * exp(correction / width)",
    ),
    "correction": Description(
        long_name="first correction to the power law", text="fitted from four widths on, else 0; see prefactor"
    ),
    "expected_slope": Description(long_name="expected slope", text="what theory predicts for large widths"),
    "trials": Description(long_name="number of trials", text="complete trials that entered", dtype=np.int64),
    "replicates": Description(
        long_name="number of replicates of the limit", text="complete replicates of the sampled limit", dtype=np.int64
    ),
    "reference": Description(
        long_name="kind of limit",
        text="the limit that distances are from",
        dtype=np.int8,
        flags={0: "sampled", 1: "exact"},
    ),
    "kind": Description(
        long_name="kind of readout",
        text="a law has the metric w2, an array of numbers rms, bias and std, a size, which has no limit, rms from 0",
        dtype=np.int8,
        flags=KINDS,
    ),
    "quantiles": Description(
        long_name="quantile function",
        text="means over equal cells of (0, 1), of the limit law and of those of the smallest and largest width, "
        "pooled over trials; of several vectors the first",
    ),
    "profile": Description(
        long_name="value along the dimension that it is looked at along",
        text="of pairs of inputs the mean of the diagonal; of the limit and, mean over trials, of the smallest and the "
        "largest width",
    ),
    "profile_error": Description(
        long_name="error of the profile",
        text="standard error over trials, or over replicates of a sampled limit; 0 for a closed form",
    ),
    "size": Description(
        long_name="norm of the readout",
        text="root mean square over trials",
    ),
    "size_error": Description(
        long_name="error of the norm",
        text="standard error over trials",
    ),
    "limit_size": Description(
        long_name="norm of the limit",
        text="of the closed form, or of the mean over replicates",
    ),
    "consistent": Description(
        long_name="slope as expected",
        text="whether the expected slope is inside the slope's interval",
        dtype=np.int8,
        flags=VERDICT,
    ),
    "equivalent": Description(
        long_name="limit confirmed",
        text="whether the mean extrapolated to infinite width differs from the limit by less than the tolerance",
        dtype=np.int8,
        flags=VERDICT,
    ),
    "dominant": Description(
        long_name="largest error",
        text="largest term of the error budget at the largest width",
        dtype=np.int8,
        flags={UNDETERMINED: "unknown"} | dict(enumerate(TERMS)),
    ),
    "extrapolated": Description(
        long_name="extrapolated difference",
        text=f"norm of q_infinity - q by the fit q_n = q_infinity + c / n, {RELATIVE}",
    ),
    "extrapolated_low": Description(
        long_name="lower bound of the extrapolated difference", text="one-sided confidence bound"
    ),
    "extrapolated_high": Description(
        long_name="upper bound of the extrapolated difference", text="one-sided confidence bound"
    ),
    "width_bias": Description(
        long_name="width bias", text=f"c / n of the fit q_n = q_infinity + c / n at the largest width, {RELATIVE}"
    ),
    "trial_noise": Description(
        long_name="trial noise", text=f"standard error of the mean over trials at the largest width, {RELATIVE}"
    ),
    "limit_noise": Description(
        long_name="limit noise", text=f"standard error of the limit, 0 for a closed form, {RELATIVE}"
    ),
    "arithmetic": Description(long_name="arithmetic error", text=f"error of the run's dtype in one trial, {RELATIVE}"),
    "limit_error": Description(
        long_name="error of the sampled limit",
        text="norm of sampled - exact relative to that of exact (or the readout's scale), if both are known",
    ),
    "limit_error_se": Description(
        long_name="expected error of the sampled limit",
        text="root mean square of limit_error that the spread of the replicates predicts",
    ),
}
