"""Laws that every closed form obeys, whatever the activation; the values are tested with the activations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widthwise.theory import closed_forms
from widthwise.theory.kernels import Array

ALL = pytest.mark.parametrize("name", sorted(closed_forms))
VARIANCE = st.sampled_from([0.0, 1e-12, 1e-3, 0.5, 1.0, 7.0, 1e4, 1e12])
CORRELATION = st.one_of(st.sampled_from([-1.0, 0.0, 1.0, 1 - 1e-9]), st.floats(-1, 1))


def _pair(first: float, second: float, correlation: float) -> tuple[Array, Array, Array]:
    return np.array([first]), np.array([correlation * np.sqrt(first) * np.sqrt(second)]), np.array([second])


@ALL
@given(first=VARIANCE, second=VARIANCE, correlation=CORRELATION)
@settings(deadline=None, max_examples=150, derandomize=True)
def test_finite_symmetric_and_bounded_by_cauchy_schwarz(
    name: str, first: float, second: float, correlation: float
) -> None:
    k11, k12, k22 = _pair(first, second, correlation)
    for kernel in (closed_forms[name].kernel, closed_forms[name].derivative_kernel):
        value = kernel(k11, k12, k22)
        bound = np.sqrt(kernel(k11, k11, k11)) * np.sqrt(kernel(k22, k22, k22))
        assert np.isfinite(value).all()
        np.testing.assert_array_equal(value, kernel(k22, k12, k11))
        assert abs(value[0]) <= bound[0] * (1 + 1e-12)


@pytest.mark.parametrize("name", sorted(set(closed_forms) - {"step"}))
@pytest.mark.parametrize("correlation", [-0.9, -0.3, 0.0, 0.5, 0.95])
def test_price_theorem(name: str, correlation: float) -> None:
    """The derivative of E[phi(u) phi(v)] by the covariance is E[phi'(u) phi'(v)]; central differences, order h^2."""
    k11, k12, k22 = _pair(0.7, 1.9, correlation)
    step = 1e-5
    slope = (
        (closed_forms[name].kernel(k11, k12 + step, k22) - closed_forms[name].kernel(k11, k12 - step, k22)) / 2 / step
    )
    np.testing.assert_allclose(slope, closed_forms[name].derivative_kernel(k11, k12, k22), rtol=2e-8, atol=1e-10)


@ALL
def test_kernels_broadcast(name: str) -> None:
    variance = np.array([0.5, 1.0, 2.0])
    covariance = np.array([[0.5, 0.1, -0.2], [0.1, 1.0, 0.3], [-0.2, 0.3, 2.0]])
    for kernel in (closed_forms[name].kernel, closed_forms[name].derivative_kernel):
        matrix = kernel(variance[:, None], covariance, variance[None, :])
        assert matrix.shape == (3, 3)
        np.testing.assert_array_equal(matrix[0, 2], kernel(variance[0], covariance[0, 2], variance[2]))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_rounding_error_in_the_covariance_of_equal_inputs_costs_no_digits(sign: int) -> None:
    variance = np.array([1.0, 0.3, 7.7e5])
    covariance = sign * variance * (1 - 2e-16)
    expected = 0.5 if sign == 1 else 0.0
    np.testing.assert_array_equal(closed_forms["relu"].derivative_kernel(variance, covariance, variance), expected)
    np.testing.assert_array_equal(closed_forms["step"].kernel(variance, covariance, variance), expected)


@pytest.mark.parametrize("name", ["erf", "gaussian"])
def test_nor_does_it_at_large_variance(name: str) -> None:
    variance = np.array([3e12])
    kernel = closed_forms[name].derivative_kernel
    rounded = kernel(variance, variance * (1 - 2e-16), variance)
    np.testing.assert_allclose(rounded, kernel(variance, variance, variance), rtol=1e-12)


def test_gelu_tends_to_relu_at_large_variance() -> None:
    k11, k12, k22 = _pair(1.0, 2.0, -0.4)
    large = closed_forms["gelu"].kernel(1e12 * k11, 1e12 * k12, 1e12 * k22) / 1e12
    np.testing.assert_allclose(large, closed_forms["relu"].kernel(k11, k12, k22), rtol=1e-6)


def test_a_variance_of_zero_means_the_activation_at_zero() -> None:
    zero, one = np.array([0.0]), np.array([1.0])
    for name, value, slope in [("relu", 0, 0), ("leaky_relu", 0, 0.01), ("abs", 0, 0), ("step", 0, 0), ("cos", 1, 0)]:
        dual = closed_forms[name]
        np.testing.assert_array_equal(dual.kernel(zero, zero, zero), value**2)
        np.testing.assert_array_equal(dual.derivative_kernel(zero, zero, zero), slope**2)
    np.testing.assert_allclose(closed_forms["leaky_relu"].derivative_kernel(zero, zero, one), 0.01 * 1.01 / 2)
    np.testing.assert_allclose(closed_forms["cos"].kernel(zero, zero, one), np.exp(-0.5))
