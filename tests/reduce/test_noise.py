"""Noise: quantiles of squared lengths, and the parts they are made of."""

import numpy as np
import pytest

from widthwise.reduce.jackknife import jackknife_variance, log_changes
from widthwise.reduce.linear_fit import linear_fit
from widthwise.reduce.moments import inverse_directions, moments, moments_without_one
from widthwise.reduce.noise import Noise


@pytest.mark.parametrize("scales", [[1.0, 1.0, 1.0, 1.0], [1.0, 0.1, 0.1, 0.1], [3.0, 2.0, 1.0, 0.5]])
def test_square_bound_holds_at_its_confidence(scales: list[float]) -> None:
    random = np.random.default_rng(0)
    below = 0
    for _ in range(2000):
        rows = random.standard_normal((16, 4)) * scales
        whole = moments(rows)
        noise = Noise(
            variance=float(whole.noise), inverse_directions=inverse_directions(rows, whole), degrees=whole.count - 1
        )
        below += np.square(whole.mean).sum() <= noise.square_bound(0.95)
    # 4 standard errors of a share of 2,000 are 0.02, Box's approximation is good to 0.01 here.
    assert below / 2000 == pytest.approx(0.95, abs=0.03)


def test_inverse_directions_counts_equal_directions() -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal((4000, 5))
    assert inverse_directions(rows, moments(rows)) == pytest.approx(1 / 5, rel=0.05)
    rows = rows[:, :1] * np.ones(5)
    assert inverse_directions(rows, moments(rows)) == pytest.approx(1.0, rel=1e-3)
    few = [rows[:2], rows[:1]]
    assert [inverse_directions(each, moments(each)) for each in few] == [1.0, 1.0]


def test_leaving_one_out_is_computing_without_it() -> None:
    rows = np.random.default_rng(2).standard_normal((6, 3))
    without = moments_without_one(rows, moments(rows))
    for index in range(6):
        rest = moments(np.delete(rows, index, axis=0))
        np.testing.assert_allclose(without.mean[index], rest.mean, rtol=1e-12)
        np.testing.assert_allclose(without.variance[index], rest.variance, rtol=1e-12)
        assert without.count == rest.count


def test_jackknife_of_the_logarithm_of_a_mean() -> None:
    squares = np.array([1.0, 2.0, 4.0, 9.0])
    without = (squares.sum() - squares) / 3
    changes = log_changes(squares.mean(), without)
    logs = 0.5 * np.log(without)
    assert jackknife_variance(changes) == pytest.approx(3 / 4 * np.square(logs - logs.mean()).sum())


def test_a_distance_that_one_replicate_decides_has_no_finite_variance() -> None:
    assert np.isinf(jackknife_variance(log_changes(np.array(1.0), np.array([0.9, -0.1, 1.1]))))
    assert jackknife_variance(np.empty((3, 0))).tolist() == [0.0, 0.0, 0.0]


def test_sum_of_noises() -> None:
    one = Noise(variance=3.0, inverse_directions=0.25, degrees=7)
    both = one + Noise(variance=1.0, inverse_directions=1.0, degrees=5)
    assert both.variance == 4.0
    assert both.inverse_directions == pytest.approx((0.75 * 0.5 + 0.25) ** 2)
    assert both.degrees == pytest.approx(1 / (0.75**2 / 7 + 0.25**2 / 5))
    assert one + Noise(variance=0.0, inverse_directions=1.0, degrees=np.inf) == one


def test_linear_fit_recovers_coefficients_and_ignores_weights_of_exact_data() -> None:
    x = np.array([1.0, 2.0, 5.0, 7.0])
    columns = np.stack([np.ones(4), x, 1 / x])
    y = 3.0 - 0.5 * x + 2.0 / x
    for weights in (np.ones(4), np.array([1.0, 10.0, 0.1, 3.0])):
        np.testing.assert_allclose((linear_fit(columns, weights) * y).sum(axis=1), [3.0, -0.5, 2.0], rtol=1e-10)
