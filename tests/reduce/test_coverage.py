"""Intervals cover: simulation over many runs of 8 to 32 trials, Gaussian and skewed."""

from collections.abc import Callable

import numpy as np
import pytest
from synthetic_runs import SPREAD, synthetic

from widthwise.reduce.curve import Curve, curve
from widthwise.reduce.estimates import METRICS, Estimates, estimates
from widthwise.reduce.power_law import PowerLaw, power_law
from widthwise.reduce.samples import Samples

WIDTHS = [4**power for power in range(3, 11)]
FEW = [8] * 8
MIXED = [32] * 5 + [8] * 3
RUNS = 400
# 0.95 -+ 4 standard errors of a share of 400 runs: at exactly 95 % coverage a false alarm in 1 of 16,000.
LEAST, MOST = 0.906, 0.994
RMS = METRICS.index("rms")
BIAS = METRICS.index("bias")

Reduction = tuple[Estimates, Curve]
Make = Callable[[np.random.Generator], Samples]


def reductions(make: Make, *, seed: int = 0, runs: int = RUNS) -> list[Reduction]:
    random = np.random.default_rng(seed)
    found = [estimates(make(random)) for _ in range(runs)]
    return [(each, curve(each, 0.95)) for each in found]


def laws(reduced: list[Reduction], metric: int) -> list[PowerLaw]:
    return [power_law(each, distances, metric, 0.95) for each, distances in reduced]


def coverage(found: list[PowerLaw], slope: float) -> float:
    known = [law for law in found if np.isfinite(law.slope)]
    return float(np.mean([law.slope_low <= slope <= law.slope_high for law in known]))


CASES: dict[str, Make] = {
    "few": lambda random: synthetic(random, widths=WIDTHS, counts=FEW),
    "mixed": lambda random: synthetic(random, widths=WIDTHS, counts=MIXED, bias=1.0),
    "skewed": lambda random: synthetic(random, widths=WIDTHS, counts=MIXED, law="exponential"),
    "three widths": lambda random: synthetic(random, widths=WIDTHS[:3], counts=[8] * 3),
    "sampled limit": lambda random: synthetic(random, widths=WIDTHS, counts=MIXED, replicates=8, limit_error=2e-3),
}


@pytest.mark.parametrize("case", CASES)
def test_slope_of_rms_is_covered_in_95_of_100_runs(case: str) -> None:
    assert LEAST <= coverage(laws(reductions(CASES[case]), RMS), -0.5) <= MOST


@pytest.mark.parametrize("case", ["few", "mixed", "skewed", "sampled limit"])
def test_rms_itself_is_covered_at_every_width(case: str) -> None:
    bias = 1.0 if case == "mixed" else 0.0
    truth = np.sqrt(SPREAD**2 / np.array(WIDTHS) + (bias / np.array(WIDTHS)) ** 2)
    covered = np.mean(
        [(each.low[RMS] <= truth) & (truth <= each.high[RMS]) for _, each in reductions(CASES[case])], axis=0
    )
    # The smallest of eight: 0.95 - 4.5 standard errors.
    assert covered.min() >= 0.90
    assert LEAST <= covered.mean() <= MOST


def test_slope_of_a_clear_bias_is_covered() -> None:
    reduced = reductions(lambda random: synthetic(random, widths=WIDTHS, counts=MIXED, bias=30.0))
    found = laws(reduced, BIAS)
    assert np.isfinite([law.slope for law in found]).all()
    assert LEAST <= coverage(found, -1.0) <= MOST


def test_bias_is_covered_whether_resolved_or_hidden() -> None:
    truth = 10.0 / np.array(WIDTHS)
    reduced = reductions(lambda random: synthetic(random, widths=WIDTHS, counts=MIXED, bias=10.0))
    covered = np.mean([(each.low[BIAS] <= truth) & (truth <= each.high[BIAS]) for _, each in reduced], axis=0)
    assert covered.min() >= 0.90


def test_without_bias_noise_passes_for_one_in_one_of_twenty_runs_and_hardly_ever_for_a_slope() -> None:
    reduced = reductions(CASES["few"])
    resolved = np.mean([each.resolved[BIAS] for _, each in reduced])
    # 3,200 widths at 5 %: 4 standard errors are 1.5 %.
    assert 0.02 <= resolved <= 0.065
    assert np.isfinite([law.slope for law in laws(reduced, BIAS)]).mean() <= 0.02


def test_coverage_fails_if_the_error_of_the_limit_is_ignored() -> None:
    def believed_exact(random: np.random.Generator) -> Samples:
        run = synthetic(random, widths=WIDTHS, counts=MIXED, replicates=8, limit_error=8e-3)
        return Samples(
            widths=run.widths, trials=run.trials, limit=run.limit, exact=run.limit.mean(axis=0), arithmetic=None
        )

    assert coverage(laws(reductions(believed_exact), RMS), -0.5) < LEAST


def test_coverage_fails_if_intervals_are_halved() -> None:
    found = laws(reductions(CASES["few"]), RMS)
    halved = [
        PowerLaw(
            slope=law.slope,
            slope_low=(law.slope + law.slope_low) / 2,
            slope_high=(law.slope + law.slope_high) / 2,
        )
        for law in found
    ]
    assert coverage(halved, -0.5) < LEAST


def test_jackknife_variance_is_the_true_variance() -> None:
    reduced = reductions(CASES["mixed"])
    logs = np.log([distances.value[RMS] for _, distances in reduced])
    jackknife = np.mean([distances.trial_variance[RMS] for _, distances in reduced], axis=0)
    ratio = jackknife / logs.var(axis=0, ddof=1)
    # The true variance is known to sqrt(2 / 400) = 7 %; the jackknife is known to err upwards, by 1 / trials or so.
    assert (ratio > 1 - 4 * 0.07).all()
    assert (ratio < 1 + 4 * 0.07 + 0.15).all()


def test_slope_is_unbiased_where_numbers_of_trials_differ() -> None:
    slopes = np.array([law.slope for law in laws(reductions(CASES["skewed"]), RMS)])
    # 4 standard errors of the mean of 400 runs.
    assert abs(slopes.mean() + 0.5) <= 4 * slopes.std() / np.sqrt(RUNS)
