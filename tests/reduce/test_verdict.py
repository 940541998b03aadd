"""Verdicts: right claims are upheld, wrong ones refused, and noise leaves both undetermined."""

import numpy as np
import pytest
from synthetic_runs import EXPECTED, synthetic, tree_of

from widthwise.reduce import reduce
from widthwise.reduce.agreement import agreement
from widthwise.reduce.estimates import estimates
from widthwise.reduce.power_law import PowerLaw
from widthwise.reduce.verdict import NO, TERMS, UNDETERMINED, YES, consistent

WIDTHS = [64, 256, 1024, 4096, 16384]


@pytest.mark.parametrize(
    ("low", "high", "expected", "verdict"),
    [
        (-0.55, -0.45, -0.5, YES),
        (-0.49, -0.3, -0.5, NO),
        (-1.2, 0.1, -0.5, UNDETERMINED),
        (-0.1, 0.1, 0.0, YES),
        (-0.1, 0.1, -0.5, NO),
        (np.nan, np.nan, -0.5, UNDETERMINED),
        (-0.55, -0.45, np.nan, UNDETERMINED),
    ],
)
def test_consistent(low: float, high: float, expected: float, verdict: int) -> None:
    assert consistent(PowerLaw(slope=(low + high) / 2, slope_low=low, slope_high=high), expected) == verdict


@pytest.mark.parametrize(
    ("offset", "count", "tolerance", "verdict"),
    [(0.0, 32, 0.03, YES), (0.1, 32, 0.03, NO), (0.0, 4, 1e-4, UNDETERMINED), (0.02, 32, 0.021, UNDETERMINED)],
)
def test_equivalent(offset: float, count: int, tolerance: float, verdict: int) -> None:
    samples = synthetic(np.random.default_rng(1), widths=WIDTHS, counts=[count] * 5, bias=5.0, offset=offset)
    _, verdicts = reduce(tree_of(samples), tolerance=tolerance, confidence=0.95, expected=EXPECTED)
    assert verdicts["equivalent"].item() == verdict


@pytest.mark.parametrize("law", ["normal", "exponential"])
@pytest.mark.parametrize("offset", [0.0, 0.003, 0.02])
def test_bounds_of_the_extrapolated_difference_hold(offset: float, law: str) -> None:
    random = np.random.default_rng(7)
    found = [
        agreement(estimates(synthetic(random, widths=WIDTHS, counts=[8] * 5, bias=4.0, offset=offset, law=law)), 0.95)
        for _ in range(400)
    ]
    # Conservative by the triangle inequality: at least 0.95 - 4 standard errors of 400 runs each.
    assert np.mean([each.extrapolated_high >= offset for each in found]) >= 0.906
    assert np.mean([each.extrapolated_low <= offset for each in found]) >= 0.906


def test_extrapolation_removes_a_bias_that_falls_like_one_over_width() -> None:
    samples = synthetic(np.random.default_rng(2), widths=WIDTHS[:3], counts=[4096] * 3, bias=8.0)
    found = agreement(estimates(samples), 0.95)
    # The bias at the largest width is 8 / 1024, two standard errors of the extrapolation are 0.2 / 1024.
    assert found.width_bias == pytest.approx(8 / 1024, rel=0.15)
    assert found.extrapolated < 0.3 * found.width_bias


def test_a_wrong_slope_is_found_inconsistent() -> None:
    samples = synthetic(np.random.default_rng(4), widths=WIDTHS, counts=[32] * 5, offset=0.05)
    _, verdicts = reduce(tree_of(samples), tolerance=0.01, confidence=0.95, expected=EXPECTED)
    assert verdicts["consistent"].sel(metric="rms").item() == NO
    assert verdicts["consistent"].sel(metric="std").item() == YES


def test_the_budget_names_its_largest_term() -> None:
    few = synthetic(np.random.default_rng(4), widths=WIDTHS, counts=[8] * 5, replicates=8, limit_error=1e-4)
    poor = synthetic(np.random.default_rng(4), widths=WIDTHS, counts=[8] * 5, replicates=8, limit_error=0.3)
    wide = synthetic(np.random.default_rng(4), widths=[4, 8, 16], counts=[4096] * 3, bias=8.0)
    for samples, term in ((few, "trial_noise"), (poor, "limit_noise"), (wide, "width_bias")):
        _, verdicts = reduce(tree_of(samples), tolerance=0.01, confidence=0.95, expected=EXPECTED)
        assert TERMS[verdicts["dominant"].item()] == term
        assert verdicts[term].item() == max(verdicts[name].item() for name in TERMS)
