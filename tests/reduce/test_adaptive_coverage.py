"""Intervals of runs that end when their intervals are short cover as they should: simulation over many such runs."""

import numpy as np
import pytest
from adaptive_runs import Synthetic, adaptive, covered

CASES = {
    "one width": (Synthetic(widths=(64,)), 0.03),
    "three widths": (Synthetic(widths=(64, 256, 1024)), 0.045),
    "sampled limit": (Synthetic(widths=(64, 256, 1024), limit_error=0.05), 0.03),
}


def coverage(readout: Synthetic, tolerance: float, runs: int, seed: int) -> tuple[float, float]:
    """Share of widths whose interval covers, and the mean number of rounds; every run ends within its tolerance."""
    random = np.random.default_rng(seed)
    ends = [adaptive(readout, random, tolerance) for _ in range(runs)]
    assert all(found.half_width.max() <= tolerance for found, _, _ in ends)
    share = np.mean([covered(found, readout.truth) for found, _, _ in ends])
    return float(share), float(np.mean([rounds for _, _, rounds in ends]))


@pytest.mark.parametrize("case", CASES)
def test_intervals_of_adaptive_runs_cover(case: str) -> None:
    readout, tolerance = CASES[case]
    share, rounds = coverage(readout, tolerance, 300, seed=0)
    # 93 % or more, which is 95 % less 2; 0.93 - 3 standard errors of a share of 300 runs.
    assert share >= 0.886
    assert rounds > 1.3


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [0.08, 0.06, 0.045, 0.03, 0.015])
@pytest.mark.parametrize("widths", [(64,), (64, 256), (64, 256, 1024, 4096)])
@pytest.mark.parametrize("limit_error", [0.0, 0.05])
def test_intervals_cover_whatever_the_tolerance(tolerance: float, widths: tuple[int, ...], limit_error: float) -> None:
    readout = Synthetic(widths=widths, limit_error=limit_error)
    share, _ = coverage(readout, tolerance, 1500, seed=1)
    # At 93 % a false alarm of 3.5 standard errors in one of the 30 cases: 1 in 140.
    assert share >= 0.93 - 3.5 * np.sqrt(0.93 * 0.07 / 1500)
