"""Recurrence coefficients: laws on points come back, moments agree, bounds hold for every law, densities are met."""

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.theory import marchenko_pastur_moments
from widthwise.theory.jacobi import cdf_bounds, gauss_quadrature, moments_of, recurrence, smoothed_density

STEPS = 6
HARD_EDGE = (np.array([1.0, 2, 2, 2, 2, 2]), np.ones(STEPS))
"""Marchenko-Pastur of a square matrix, on [0, 4]."""


def points(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return np.sort(generator.exponential(size=count) ** 3), generator.dirichlet(np.full(count, 0.5))


def products(layers: int, slope: str) -> np.ndarray:
    """Eigenvalues of J^T J for a product of matrices 400 wide and diagonals."""
    generator, x, J = np.random.default_rng(layers), np.full(400, 1.0), np.eye(400)
    for _ in range(layers):
        W = generator.standard_normal((400, 400)) / 20
        h = W @ x
        d, x = {"1": (np.ones(400), h), "relu": (h > 0, np.maximum(h, 0)), "tanh": (np.cosh(h) ** -2, np.tanh(h))}[
            slope
        ]
        J = d[:, None] * (W @ J)
    return np.sort(np.linalg.svd(J, compute_uv=False) ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_a_law_on_points_is_its_own_gauss_rule(seed: int) -> None:
    nodes, weights = points(seed, STEPS)
    alpha, beta = recurrence(nodes, weights, STEPS)
    assert beta[-1] == 0
    found, masses = gauss_quadrature(alpha, beta)
    np.testing.assert_allclose(found, nodes, rtol=0, atol=1e-12 * nodes[-1])
    np.testing.assert_allclose(masses, weights, rtol=0, atol=1e-9)


def test_coefficients_of_many_points_are_stable() -> None:
    """At Chebyshev's nodes they are 0, sqrt(1/2), 1/2, 1/2, ... up to the number of points."""
    nodes = np.cos((np.arange(1000) + 0.5) * np.pi / 1000)
    alpha, beta = recurrence(nodes, np.ones(1000), 64)
    np.testing.assert_allclose(alpha, 0, rtol=0, atol=1e-14)
    np.testing.assert_allclose(beta, [0.5**0.5, *[0.5] * 63], rtol=1e-13)


def test_fewer_points_than_steps_leave_zeros() -> None:
    alpha, beta = recurrence(np.array([[1.0, 2.0], [3.0, 3.0]]), np.array([0.25, 0.75]), 4)
    np.testing.assert_allclose(alpha, [[1.75, 1.25, 0, 0], [3, 0, 0, 0]], rtol=1e-14)
    np.testing.assert_allclose(beta, [[0.1875**0.5, 0, 0, 0], [0, 0, 0, 0]], rtol=1e-14)
    orders = np.arange(1, 9)
    np.testing.assert_allclose(moments_of(alpha, beta, 8), [0.25 + 0.75 * 2.0**orders, 3.0**orders], rtol=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_moments_are_those_of_the_law_up_to_twice_the_steps(seed: int) -> None:
    nodes, weights = points(seed, 50)
    alpha, beta = recurrence(nodes, weights, STEPS)
    exact = [weights @ nodes**order for order in range(1, 2 * STEPS + 1)]
    np.testing.assert_allclose(moments_of(alpha, beta, 2 * STEPS), exact, rtol=1e-12)
    np.testing.assert_allclose(moments_of(*HARD_EDGE, 12), marchenko_pastur_moments(1.0, 12), rtol=1e-14)


@pytest.mark.parametrize("orders", [0, 13])
def test_moments_that_the_coefficients_do_not_hold_are_refused(orders: int) -> None:
    with pytest.raises(SpecError, match=rf"^orders: {orders} is not allowed; 6 steps determine moments 1 to 12$"):
        moments_of(*HARD_EDGE, orders)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [STEPS - 2, STEPS, 40])
def test_bounds_hold_everywhere_and_meet_at_few_points(seed: int, count: int) -> None:
    """At atoms too, at nodes of the Gauss rule, and outside of the support."""
    nodes, weights = points(seed, count)
    alpha, beta = recurrence(nodes, weights, STEPS)
    between = (nodes[1:] + nodes[:-1]) / 2
    x = np.concatenate([nodes, between, gauss_quadrature(alpha, beta)[0], [-1.0, 0.0, 2 * nodes[-1]]])
    low, high = cdf_bounds(alpha, beta, x)
    below, upto = (np.array([weights @ (nodes < at + near) for at in x]) for near in (-1e-6, 1e-6))
    assert (low <= below + 1e-9).all()
    assert (high >= upto - 1e-9).all()
    if count <= STEPS:
        known = (nodes[1:] - nodes[:-1] > 1e-4).nonzero()[0]
        np.testing.assert_allclose((low - high)[count + known], 0, rtol=0, atol=1e-6)


def test_bounds_are_attained() -> None:
    """By the laws that they come from: with the mass at x left out, and with it."""
    for place in (0.3, 1.0, 3.5, 5.0):
        low, high = cdf_bounds(*HARD_EDGE, np.array([place]))
        nodes, weights = radau(*HARD_EDGE, place)
        np.testing.assert_allclose(moments_of(*recurrence(nodes, weights, STEPS), 12), moments_of(*HARD_EDGE, 12))
        np.testing.assert_allclose(
            [low[0], high[0]], [weights @ (nodes < place - 1e-9), weights @ (nodes < place + 1e-9)]
        )


def radau(alpha: np.ndarray, beta: np.ndarray, x: float) -> tuple[np.ndarray, np.ndarray]:
    """By Golub's linear system."""
    matrix = np.diag(alpha) + np.diag(beta[:-1], 1) + np.diag(beta[:-1], -1)
    last = x + beta[-1] ** 2 * np.linalg.inv(matrix - x * np.eye(len(alpha)))[-1, -1]
    return gauss_quadrature(np.append(alpha, last), np.append(beta, 0.0))


def test_bounds_broadcast_over_laws() -> None:
    laws = [recurrence(*points(seed, 40), STEPS) for seed in range(3)]
    together = cdf_bounds(*(np.stack(each) for each in zip(*laws, strict=True)), np.array([0.1, 1.0]))
    apart = [cdf_bounds(*law, np.array([0.1, 1.0])) for law in laws]
    np.testing.assert_array_equal(np.stack(together), np.moveaxis(np.array(apart), 1, 0))


def test_a_law_at_0_has_bounds() -> None:
    """J = 0: no coefficient is left."""
    low, high = cdf_bounds(np.zeros(3), np.zeros(3), np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_array_equal([low, high], [[0, 0, 1], [0, 1, 1]])


@pytest.mark.parametrize("ratio", [0.25, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("steps", [5, 12])
def test_densities_of_marchenko_and_pastur_are_exact(ratio: float, steps: int) -> None:
    """Eigenvalues of W^T W, W of ratio n rows: alpha = ratio, then 1 + ratio, beta^2 = ratio; an atom below ratio 1."""
    alpha, beta = np.full(steps, 1 + ratio), np.full(steps, ratio**0.5)
    alpha[0] = ratio
    x = np.linspace(-0.5, 10, 400)
    square = np.maximum(4 * ratio - (x - 1 - ratio) ** 2, 0)
    exact = np.where(x > 0, np.sqrt(square) / (2 * np.pi * np.where(x > 0, x, 1)), 0)
    np.testing.assert_allclose(smoothed_density(alpha, beta, x), exact, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("layers", "slope"), [(2, "1"), (4, "1"), (2, "relu"), (4, "relu"), (4, "tanh")])
def test_densities_of_jacobians_are_met_away_from_0(layers: int, slope: str) -> None:
    """The stated 0.01, and 1/400 of the sample's own steps."""
    values = products(layers, slope)
    alpha, beta = recurrence(values, np.ones_like(values), STEPS)
    edge = 1.5 * values[-1] ** 0.5
    s = edge * (np.arange(4000) + 0.5) / 4000
    density = smoothed_density(alpha, beta, s**2)
    above = np.cumsum((density * 2 * s)[::-1])[::-1] * edge / 4000
    exact = 1 - np.searchsorted(values, s**2, side="right") / len(values)
    upper = s**2 > values[-1] / 20
    assert (density >= 0).all()
    assert np.abs(above - exact)[upper].max() < 0.01 + 1 / 400
    low, high = cdf_bounds(alpha, beta, s[upper] ** 2)
    assert (low - 1e-12 <= 1 - exact[upper]).all()
    assert (1 - exact[upper] <= high + 1e-12).all()


def test_a_density_needs_a_law_of_squares_with_enough_points() -> None:
    with pytest.raises(SpecError, match=r"^smoothed_density: alpha = -1, beta = 1 at step 1 belong to no law on \[0, "):
        smoothed_density(np.array([-1.0]), np.ones(1), np.ones(1))
    with pytest.raises(SpecError, match=r"alpha = 1, beta = 0 at step 2 .* take fewer steps$"):
        smoothed_density(np.array([2.0, 1.0]), np.array([0.5, 0.0]), np.ones(1))
