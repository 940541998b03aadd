"""Correlations and multiple correlations: their values by other formulas, and what their intervals hold."""

import numpy as np
import pytest

from widthwise.reduce.correlation import (
    Estimate,
    Statistic,
    correlations,
    difference,
    fit,
    pearson,
    ranks,
    spearman,
)


def drawn(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Three variables and an outcome in (0, 1), a steep function of a sum of the first and of noise."""
    z = random.standard_normal((count, 4))
    variables = np.stack([z[:, 0], 0.7 * z[:, 0] + 0.7 * z[:, 1], z[:, 2]], 1)
    return variables, 1 / (1 + np.exp(-1.5 - 0.8 * z[:, 0] - 0.6 * z[:, 3]))


VARIABLES, OUTCOME = drawn(np.random.default_rng(0), 40)


def test_linear_correlations_are_those_of_numpy() -> None:
    expected = np.corrcoef(VARIABLES.T, OUTCOME)[-1, :-1]
    np.testing.assert_allclose(pearson(VARIABLES, OUTCOME), expected)


def test_equal_values_share_their_ranks() -> None:
    assert ranks(np.array([3.0, -1.0, 3.0, 7.0, 3.0])).tolist() == [3, 1, 3, 5, 3]


def test_correlations_of_ranks_see_the_order_alone() -> None:
    """Of ranks without ties 1 - 6 sum d^2 / (n (n^2 - 1))."""
    found = spearman(VARIABLES, OUTCOME)
    np.testing.assert_allclose(spearman(np.exp(3 * VARIABLES), OUTCOME**3), found)
    away = ranks(VARIABLES[:, 0]) - ranks(OUTCOME)
    assert found[0] == pytest.approx(1 - 6 * np.square(away).sum() / (40 * (40**2 - 1)))


@pytest.mark.parametrize("statistic", [pearson, spearman])
def test_intervals_hold_the_truth_as_often_as_they_say(statistic: Statistic) -> None:
    """Of 120 samples 95 %: 5 standard errors below are 85 %; the truth from 1e5, with an error 60 times smaller."""
    random = np.random.default_rng(1)
    truth = statistic(*drawn(random, 100_000))
    apart = np.diff(np.abs(truth[:2]))[0]
    hits = np.zeros(4)
    for _ in range(120):
        variables, outcome = drawn(random, 32)
        found = [*correlations(statistic, variables, outcome, 0.95)]
        found.append(difference(statistic, variables[:, :2], outcome, 0.95))
        hits += [each.low <= true <= each.high for each, true in zip(found, [*truth, apart], strict=True)]
    assert (hits >= 0.85 * 120).all(), hits
    assert (hits < 120).all(), hits


def test_the_interval_of_the_adjusted_r_holds_the_truth() -> None:
    """As above, of 80 samples 83 %; the raw one grows with four more variables, which are noise."""
    random = np.random.default_rng(2)
    truth = fit(*drawn(random, 2000), 0.95).raw
    hits, raws = 0, []
    for _ in range(80):
        variables, outcome = drawn(random, 32)
        found = fit(np.column_stack([variables, random.standard_normal((32, 4))]), outcome, 0.95)
        hits += found.adjusted.low <= truth <= found.adjusted.high
        raws.append((found.raw, found.adjusted.value))
    assert hits > 0.83 * 80
    raw, adjusted = np.mean(raws, axis=0)
    assert raw > truth + 0.035
    assert adjusted == pytest.approx(truth, abs=0.035)


def refitted(without: int) -> float:
    """What the regression without one trial predicts of it."""
    kept = np.arange(len(OUTCOME)) != without
    design = np.column_stack([np.ones(len(OUTCOME)), VARIABLES])
    coefficients = np.linalg.lstsq(design[kept], OUTCOME[kept], rcond=None)[0]
    return float(design[without] @ coefficients)


def test_multiple_correlations_are_those_of_regressions_one_by_one() -> None:
    found = fit(VARIABLES, OUTCOME, 0.95)
    errors = [OUTCOME[k] - refitted(k) for k in range(40)]
    means = [OUTCOME[k] - np.delete(OUTCOME, k).mean() for k in range(40)]
    assert found.predicted.value == pytest.approx((1 - np.square(errors).sum() / np.square(means).sum()) ** 0.5)
    design = np.column_stack([np.ones(40), VARIABLES])
    explained = design @ np.linalg.lstsq(design, OUTCOME, rcond=None)[0]
    assert found.raw == pytest.approx(np.corrcoef(explained, OUTCOME)[0, 1])
    assert found.adjusted.value**2 == pytest.approx(1 - (1 - found.raw**2) * 39 / 36)
    assert 0 < found.predicted.value < found.adjusted.value < found.raw


def test_a_variable_that_says_nothing_new_changes_nothing() -> None:
    more = np.column_stack([VARIABLES, VARIABLES @ [1, 2, 3], np.full(40, 7.0)])
    one, other = fit(VARIABLES, OUTCOME, 0.95), fit(more, OUTCOME, 0.95)
    assert other.raw == pytest.approx(one.raw)
    assert other.adjusted.value == pytest.approx(one.adjusted.value)
    assert other.predicted.low == pytest.approx(one.predicted.low)


def test_noise_predicts_nothing() -> None:
    """The share that 20 variables of noise explain is 20 / 39 in the mean; nothing of what is left out."""
    noise = np.random.default_rng(3).standard_normal((40, 20))
    found = fit(noise, OUTCOME, 0.95)
    assert found.raw > 0.5
    assert found.predicted.value == found.predicted.low == 0


def is_unknown(found: Estimate) -> bool:
    return bool(np.isnan([found.value, found.low, found.high]).all())


def test_of_too_few_trials_nothing_is_said() -> None:
    assert all(is_unknown(each) for each in correlations(pearson, VARIABLES[:3], OUTCOME[:3], 0.95))
    assert is_unknown(difference(pearson, VARIABLES[:3, :2], OUTCOME[:3], 0.95))
    assert np.isfinite(correlations(pearson, VARIABLES[:4], OUTCOME[:4], 0.95)[0].low)
    assert is_unknown(fit(VARIABLES[:6], OUTCOME[:6], 0.95).adjusted)
    assert np.isfinite(fit(VARIABLES[:7], OUTCOME[:7], 0.95).predicted.value)


@pytest.mark.parametrize("outcome", [np.ones(40), VARIABLES[:, 0]], ids=["constant", "one of the variables"])
def test_what_is_constant_or_exact_raises_no_warning(outcome: np.ndarray) -> None:
    found = correlations(pearson, VARIABLES, outcome, 0.95)[0]
    assert np.isnan(found.low) or found.value == pytest.approx(1)
    assert np.isnan(fit(VARIABLES, outcome, 0.95).raw) == (outcome.std() == 0)
    difference(spearman, VARIABLES[:, :2], outcome, 0.95)
