"""The laws that the tests go through, as scipy writes them, of mean 0 and variance 1."""

import math
from typing import Any

import numpy as np
from scipy import stats

CONTINUOUS: dict[str, Any] = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(scale=math.sqrt(0.5)),
    "student_t(2.5)": stats.t(2.5, scale=math.sqrt(0.5 / 2.5)),
    "student_t(4)": stats.t(4, scale=math.sqrt(2 / 4)),
    "student_t(5)": stats.t(5, scale=math.sqrt(3 / 5)),
    "student_t(12)": stats.t(12, scale=math.sqrt(10 / 12)),
    "student_t(1000)": stats.t(1000, scale=math.sqrt(998 / 1000)),
    "truncated_normal(0.5)": stats.truncnorm(-0.5, 0.5, scale=1 / stats.truncnorm(-0.5, 0.5).std()),
    "truncated_normal(2)": stats.truncnorm(-2, 2, scale=1 / stats.truncnorm(-2, 2).std()),
    "truncated_normal(4)": stats.truncnorm(-4, 4, scale=1 / stats.truncnorm(-4, 4).std()),
    "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
}
SPARSE = {f"sparse({density})": density for density in (0.001, 0.1, 0.25, 0.6, 1)}
ALL = [*CONTINUOUS, *SPARSE, "rademacher"]


def moments(name: str) -> dict[int, float]:
    """Second and fourth moment, as far as the squares of these powers have a mean."""
    if name in SPARSE:
        return {2: 1.0, 4: 3 / SPARSE[name]}
    if name == "rademacher":
        return {2: 1.0, 4: 1.0}
    degrees = float(name.split("(")[1][:-1]) if name.startswith("student_t") else math.inf
    fourth = float(CONTINUOUS[name].moment(4)) if degrees > 8 else math.nan
    return {power: value for power, value in ((2, 1.0), (4, fourth)) if degrees > 2 * power}


def check_law(name: str, x: np.ndarray) -> None:
    """Independent entries are of the law: distribution function at 1e-6, moments and both tails at 5 standard errors.

    A Kolmogorov-Smirnov test and, each with a false alarm in two million, the mean, the moments, and how many entries
    lie beyond the quantiles 1e-4.
    """
    assert np.isfinite(x).all()
    assert abs(x.mean()) < 5 * x.std() / math.sqrt(x.size)
    for power, value in moments(name).items():
        numbers = x**power
        assert abs(numbers.mean() - value) <= 5 * numbers.std() / math.sqrt(x.size) + 1e-6, (name, power)
    if name == "rademacher":
        assert set(x.tolist()) == {-1.0, 1.0}
        return
    if name in SPARSE:
        density, zeros = SPARSE[name], np.count_nonzero(x == 0)
        assert abs(zeros - x.size * (1 - density)) <= 5 * math.sqrt(x.size * density * (1 - density))
        x, oracle = x[x != 0], stats.norm(scale=1 / math.sqrt(density))
    else:
        oracle = CONTINUOUS[name]
    assert stats.kstest(x, oracle.cdf).pvalue > 1e-6
    expected = 1e-4 * x.size
    for beyond in (x > oracle.isf(1e-4), x < oracle.ppf(1e-4)):
        assert abs(beyond.sum() - expected) < 5 * math.sqrt(expected) + 1
