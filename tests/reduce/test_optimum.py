"""The learning rate of least loss, and how it drifts with the width."""

import numpy as np
import pytest

from widthwise.reduce.optimum import Optimum, drift, optimum

RATES = np.array([-6.0, -5.0, -3.5, -3.0, -1.0, 0.0])
"""Not evenly spaced."""
WIDTHS = 2.0 ** np.arange(6, 11)


def parabolas(places: np.ndarray) -> np.ndarray:
    """Losses with their minimum 0.25 at a place of its own in each trial, (trial, rate)."""
    return 0.25 + 2 * np.square(RATES - places[:, None])


def test_a_parabola_is_found_exactly() -> None:
    for place in np.linspace(-5.4, -0.6, 25):
        found = optimum(RATES, parabolas(np.full(3, place)))
        assert found.rate == pytest.approx(place)
        assert found.loss == pytest.approx(0.25)
        assert found.variance == pytest.approx(0, abs=1e-20)


def test_of_two_trials_the_minimum_of_the_mean_counts() -> None:
    found = optimum(RATES, parabolas(np.array([-3.4, -2.8])))
    assert found.rate == pytest.approx(-3.1)
    assert (found.trials, found.variance) == (2, pytest.approx(0.3**2))


def test_the_variance_is_that_of_the_mean_over_trials() -> None:
    """Of parabolas of one shape the optimum is the mean of the places, whose jackknife variance is exact."""
    places = np.random.default_rng(0).normal(-3, 0.1, 12)
    found = optimum(RATES, parabolas(places))
    assert found.rate == pytest.approx(places.mean())
    assert found.variance == pytest.approx(places.var(ddof=1) / 12)


@pytest.mark.parametrize("place", [-9.0, 2.0])
def test_there_is_none_at_an_end(place: float) -> None:
    found = optimum(RATES, parabolas(np.full(2, place)))
    assert np.isnan([found.rate, found.loss]).all()


def test_without_trials_nothing_is_known_and_of_one_no_variance() -> None:
    assert np.isnan(optimum(RATES, np.empty((0, 6))).rate)
    alone = optimum(RATES, parabolas(np.array([-3.0])))
    assert (alone.rate, alone.trials) == (pytest.approx(-3.0), 1)
    assert np.isnan(alone.variance)


def test_of_two_that_are_equal_the_middle_is_best() -> None:
    assert optimum(RATES, np.array([[3.0, 1.0, 1.0, 1.5, 2.0, 3.0]])).rate == pytest.approx(-4.25)


def best(rates: np.ndarray, variance: float = 0.0) -> list[Optimum]:
    return [Optimum(rate=float(rate), loss=0.0, variance=variance, trials=8) for rate in rates]


def test_a_power_of_the_width_is_its_own_slope() -> None:
    found = drift(WIDTHS, best(1.5 - np.log2(WIDTHS)), 0.95)
    assert (found.slope, found.low, found.high) == (pytest.approx(-1), pytest.approx(-1), pytest.approx(-1))


def test_widths_without_an_optimum_are_left_out_and_three_are_needed() -> None:
    rates = -0.5 * np.log2(WIDTHS)
    rates[1] = np.nan
    assert drift(WIDTHS, best(rates), 0.95).slope == pytest.approx(-0.5)
    rates[2:4] = np.nan
    assert np.isnan(drift(WIDTHS, best(rates), 0.95).slope)


@pytest.mark.parametrize("by_trials", [True, False])
def test_the_interval_holds_the_slope_as_often_as_it_says(by_trials: bool) -> None:
    """Noise of the trials, known or seen in the scatter only: at least 95 % of 400, less 5 standard errors (1.1 %)."""
    random, hits = np.random.default_rng(1), 0
    for _ in range(400):
        noisy = -np.log2(WIDTHS) + random.normal(0, 0.2, 5)
        found = drift(WIDTHS, best(noisy, 0.04 if by_trials else 0.0), 0.95)
        hits += found.low <= -1 <= found.high
    assert hits >= 400 * (0.95 - 5 * 0.011)


def test_the_interval_is_as_long_as_the_trials_say_where_optima_lie_on_a_line() -> None:
    """A standard error 0.2 / sqrt(10) of the slope, times the 97.5 % quantile of t with 35 degrees of freedom, 2.03."""
    found = drift(WIDTHS, best(-np.log2(WIDTHS), 0.04), 0.95)
    assert found.high - found.slope == pytest.approx(2.030 * 0.2 / np.sqrt(10), rel=1e-3)


def test_a_single_trial_leaves_the_scatter_to_judge_by() -> None:
    found = drift(WIDTHS, [Optimum(rate=rate, loss=0.0, variance=np.nan, trials=1) for rate in (0, 1, 0, 1, 0)], 0.95)
    assert found.slope == pytest.approx(0)
    # Residuals of variance 0.3 * 4 / 3, their root over sqrt(10), times 3.182: t with 3 degrees of freedom.
    assert found.high == pytest.approx(3.182 * np.sqrt(0.4 / 10), rel=1e-3)
