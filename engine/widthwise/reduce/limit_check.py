"""The sampled limit against the closed form, where both are known."""

from dataclasses import dataclass

import numpy as np

from widthwise.reduce.moments import moments
from widthwise.reduce.samples import Samples


@dataclass(frozen=True, kw_only=True)
class LimitCheck:
    """Norm of sampled - exact relative to that of exact, and the root mean square of it that the replicates predict."""

    limit_error: float = np.nan
    limit_error_se: float = np.nan


def limit_check(samples: Samples) -> LimitCheck:
    """Compare the mean of the limit's replicates with the closed form."""
    if samples.exact is None or not len(samples.limit):
        return LimitCheck()
    sampled = moments(samples.limit)
    norm = np.square(samples.exact).sum()
    if not norm > 0:
        return LimitCheck()
    return LimitCheck(
        limit_error=float(np.sqrt(np.square(sampled.mean - samples.exact).sum() / norm)),
        limit_error_se=float(np.sqrt(sampled.noise / norm)),
    )
