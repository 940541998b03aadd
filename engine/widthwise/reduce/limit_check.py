"""The sampled limit against the closed form, where both are known."""

from dataclasses import dataclass

import numpy as np

from widthwise.reduce.estimates import square_norm
from widthwise.reduce.moments import exactly, moments
from widthwise.reduce.samples import Samples


@dataclass(frozen=True, kw_only=True)
class LimitCheck:
    """Norm of sampled - exact, relative as all distances are, and its root mean square that the replicates predict."""

    limit_error: float = np.nan
    limit_error_se: float = np.nan


def limit_check(samples: Samples) -> LimitCheck:
    """Compare the mean of the limit's replicates with the closed form."""
    if samples.exact is None or not len(samples.limit):
        return LimitCheck()
    sampled = moments(samples.limit)
    norm = square_norm(samples, exactly(samples.exact))
    return LimitCheck(
        limit_error=float(np.sqrt(np.square(sampled.mean - samples.exact).sum() / norm)),
        limit_error_se=float(np.sqrt(sampled.noise / norm)),
    )
