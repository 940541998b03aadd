"""Verdict: what a run says of its claims, as numbers that netCDF and JSON know: YES, NO or UNDETERMINED."""

from widthwise.reduce.agreement import Agreement
from widthwise.reduce.power_law import PowerLaw

UNDETERMINED, NO, YES = -1, 0, 1
"""Codes of the verdicts."""

QUARTER = 0.25
"""What the powers of parametrizations that are in use differ by at least."""

TERMS = ("width_bias", "trial_noise", "limit_noise", "arithmetic")
"""The error budget, in the order of its codes."""


def consistent(law: PowerLaw, expected: float) -> int:
    """Whether the expected slope is inside the interval.

    UNDETERMINED without a slope or an expectation, and where the interval holds a slope of 0 beside the expected one:
    it could not have told convergence from none.
    """
    if not (law.slope_low <= law.slope_high and expected == expected):
        return UNDETERMINED
    if not law.slope_low <= expected <= law.slope_high:
        return NO
    return UNDETERMINED if law.slope_low <= 0 <= law.slope_high and expected != 0 else YES


def consistent_power(law: PowerLaw, expected: float) -> int:
    """Whether the power of a size is the expected one, which may be 0.

    Powers that differ by a quarter or more are told apart: NO if the whole interval is further than half of that from
    the expected one, since finite widths bend a slope a little; YES if none of it is further than a quarter.
    """
    low, high = law.slope_low - expected, law.slope_high - expected
    if not low <= high:
        return UNDETERMINED
    if low > QUARTER / 2 or high < -QUARTER / 2:
        return NO
    return YES if max(-low, high) <= QUARTER else UNDETERMINED


def equivalent(agreement: Agreement, tolerance: float) -> int:
    """Whether the extrapolated difference is below ``tolerance``: YES if surely below, NO if surely above."""
    if agreement.extrapolated_high <= tolerance:
        return YES
    return NO if agreement.extrapolated_low > tolerance else UNDETERMINED


def dominant(agreement: Agreement) -> int:
    """Position in TERMS of the largest term of the error budget, or UNDETERMINED if none is known to be positive."""
    budget = [getattr(agreement, term) for term in TERMS]
    known = [position for position, size in enumerate(budget) if size > 0]
    return max(known, key=lambda position: budget[position]) if known else UNDETERMINED
