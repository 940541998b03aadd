"""Quadrature against polynomials, against itself by two routes, and where it must refuse."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from plain_networks import mlp_kernels

from widthwise.errors import SpecError
from widthwise.theory import closed_forms, quadrature, quadrature_dual
from widthwise.theory.hermite import hermite_expectation
from widthwise.theory.kernels import Array
from widthwise.theory.nested import nested_expectation

Function = Callable[[Array], Array]


def _relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def _hard_tanh(x: Array) -> Array:
    return np.clip(x, -1.0, 1.0)


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


def _jump(x: Array) -> Array:
    return np.where(x > 0.7, np.cos(x), x)


def _pairs(correlations: tuple[float, ...]) -> tuple[Array, Array, Array]:
    variances = [(1.0, 1.0), (0.3, 2.5), (2.5, 0.3), (1e-4, 7.0), (30.0, 12.0)]
    rows = [(a, rho * np.sqrt(a * b), b) for a, b in variances for rho in correlations]
    k11, k12, k22 = np.array(rows).T
    return k11, k12, k22


def _scale(function: Function, kinks: tuple[float, ...], k11: Array, k22: Array) -> Array:
    norm = [nested_expectation(function, kinks, k, k, k) for k in (k11, k22)]
    return np.sqrt(norm[0] * norm[1])


@pytest.mark.parametrize(
    ("function", "kinks"),
    [
        (np.tanh, ()),
        (np.sin, ()),
        (_relu, (0.0,)),
        (_hard_tanh, (-1.0, 1.0)),
        (_elu, (0.0,)),
        (_jump, (0.7,)),
        (lambda x: x, (0.7,)),
    ],
)
def test_both_routes_agree(function: Function, kinks: tuple[float, ...]) -> None:
    pairs = _pairs((0.0, 0.3, -0.7, 0.9))
    series = hermite_expectation(function, kinks, *pairs)
    assert not np.isnan(series).any()
    nested = nested_expectation(function, kinks, *pairs)
    assert np.max(np.abs(series - nested) / _scale(function, kinks, pairs[0], pairs[2])) < 1e-12


def test_cubes_are_exact() -> None:
    k11, k12, k22 = _pairs((-1.0, -0.4, 0.0, 0.99, 1.0))
    dual = quadrature_dual(lambda x: x**3, lambda x: 3 * x**2)
    np.testing.assert_allclose(dual.kernel(k11, k12, k22), 9 * k11 * k22 * k12 + 6 * k12**3, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(dual.derivative_kernel(k11, k12, k22), 9 * (k11 * k22 + 2 * k12**2), rtol=1e-11)


@pytest.mark.parametrize(("name", "function", "kinks"), [("relu", _relu, (0.0,)), ("sin", np.sin, ())])
def test_near_collinear_pairs_keep_their_digits(name: str, function: Function, kinks: tuple[float, ...]) -> None:
    gaps = 10.0 ** -np.arange(1, 16)
    correlation = np.concatenate((1 - gaps, gaps - 1, [1.0, -1.0]))
    k11, k22 = np.full_like(correlation, 1.7), np.full_like(correlation, 0.6)
    k12 = correlation * np.sqrt(k11 * k22)
    dual = quadrature_dual(function, function, kinks)
    np.testing.assert_allclose(dual.kernel(k11, k12, k22), closed_forms[name].kernel(k11, k12, k22), rtol=0, atol=1e-13)


def test_a_function_that_is_zero_has_kernel_zero() -> None:
    dual = quadrature_dual(np.zeros_like, np.zeros_like)
    np.testing.assert_array_equal(dual.kernel(np.ones(3), np.array([-1.0, 0.2, 1.0]), np.ones(3)), 0.0)


def test_shapes_broadcast_and_pairs_do_not_see_their_neighbours() -> None:
    variance = np.array([0.5, 1.0, 60.0])
    covariance = np.array([[0.5, 0.1, -0.2], [0.1, 1.0, 0.3], [-0.2, 0.3, 60.0]])
    kernel = quadrature_dual(np.tanh, np.tanh).kernel
    matrix = kernel(variance[:, None], covariance, variance[None, :])
    assert matrix.shape == (3, 3)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose(matrix[0, 1], kernel(variance[0], covariance[0, 1], variance[1]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("limit", ["PAIRS_AT_ONCE", "VARIANCES_AT_ONCE"])
def test_many_chunks_equal_one(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(quadrature, limit, 20)
    inputs = np.random.default_rng(1).standard_normal((15, 12))
    settings = {"depth": 1, "weight_variance": 1.5, "bias_variance": 0.1}
    kernels = mlp_kernels(inputs, dual=quadrature_dual(np.sin, np.cos), **settings)
    exact = mlp_kernels(inputs, dual=closed_forms["sin"], **settings)
    np.testing.assert_allclose(kernels, exact, rtol=0, atol=1e-13)


def test_memory_does_not_grow_with_the_pairs() -> None:
    generator = np.random.default_rng(2)
    peaks = []
    for count in (2048, 4 * 2048):
        k11, k22 = generator.uniform(0.5, 1.0, (2, count))
        tracemalloc.start()
        quadrature_dual(np.sin, np.cos).kernel(k11, 0.3 * k11 * k22, k22)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("variance", [1e3, 1e6])
def test_large_variances_turn_tanh_into_a_sign(variance: float) -> None:
    k11, k12 = np.array([variance]), np.array([0.4 * variance])
    kernel = quadrature_dual(np.tanh, np.tanh).kernel
    # The corrections to the sign are of the order of the chance to fall where tanh bends.
    assert abs(kernel(k11, k12, k11)[0] - 2 / np.pi * np.arcsin(0.4)) < 2 / np.sqrt(variance)
    softened = np.linspace(-12, 12, 400001) * np.sqrt(variance)
    density = np.exp(-(softened**2) / 2 / variance) / np.sqrt(2 * np.pi)
    norm = np.sum(np.tanh(softened) ** 2 * density) * 24 / 400000
    np.testing.assert_allclose(kernel(k11, k11, k11), norm, rtol=1e-9)


@pytest.mark.parametrize(
    ("function", "kinks"),
    [
        (lambda x: np.abs(x - 0.3), ()),
        (lambda x: np.where(x > 0.3, 1.0, -1.0), ()),
        (lambda x: np.abs(x - 0.3), (1.0,)),
        (lambda x: np.sin(1e4 * x), ()),
        (lambda x: np.exp(x**2), ()),
        (lambda x: np.exp(x**2 / 5), ()),
        (lambda x: np.exp(x**2 / 5), (0.3,)),
    ],
)
def test_what_cannot_be_resolved_is_refused(function: Function, kinks: tuple[float, ...]) -> None:
    one = np.ones(1)
    with pytest.raises(SpecError, match=r"do not settle for variances up to 1; .* name every kink"):
        quadrature_dual(function, function, kinks).kernel(one, 0.3 * one, one)


@pytest.mark.parametrize(("name", "function"), [("abs", np.abs), ("step", lambda x: np.where(x > 0, 1.0, 0.0))])
def test_an_unnamed_kink_at_zero_is_found(name: str, function: Function) -> None:
    one, correlation = np.ones(3), np.array([0.0, 0.3, 0.95])
    kernel = quadrature_dual(function, function).kernel(one, correlation, one)
    np.testing.assert_allclose(kernel, closed_forms[name].kernel(one, correlation, one), rtol=0, atol=1e-13)
