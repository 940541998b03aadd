"""Spectra of products of blocks: against closed forms, free chains, words of matrices and dense matrices."""

from functools import reduce
from math import comb
from operator import matmul

import numpy as np
import pytest
from scipy import stats

from widthwise.errors import SpecError
from widthwise.theory import marchenko_pastur_quantiles
from widthwise.theory.cells import borders
from widthwise.theory.free import diagonal, empirical, spectrum, weights
from widthwise.theory.free.block_descent import descend, settle
from widthwise.theory.free.blocks import BlockSpectrum, block_spectrum
from widthwise.theory.jacobi import recurrence
from widthwise.theory.kernels import Array

WIDTH = 160
TRIALS = 12
LEVELS = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


def slopes(layers: int, activation: str, *, correlated: bool = True, count: int = WIDTH) -> Array:
    """Of Gaussian states, independent or a walk: some all positive, some of both signs, some 0."""
    normal = np.random.default_rng(layers).standard_normal((layers, count))
    h = np.cumsum(normal, 0) if correlated else normal
    if activation == "tanh":
        return 1 - np.tanh(h) ** 2
    if activation == "relu":
        return (h > 0) * 1.0
    return stats.norm.cdf(h) + h * stats.norm.pdf(h) - 0.5 * (activation == "shifted gelu")


def dense(d: Array, *, variance: float, skip: float, tied: bool) -> Array:
    """Eigenvalues of J^T J of matrices with these very slopes, (trial, eigenvalue), ascending."""
    layers, n = d.shape
    found = []
    for trial in range(TRIALS):
        normal = np.random.default_rng(trial).standard_normal((layers, n, n)) * (variance / n) ** 0.5
        blocks = [skip * np.eye(n) + normal[0 if tied else k] * d[k] for k in range(layers)]
        found.append(np.linalg.svd(reduce(lambda j, block: block @ j, blocks, np.eye(n)), compute_uv=False)[::-1] ** 2)
    return np.array(found)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_products_of_gaussian_matrices_have_fuss_catalan_moments(layers: int, tied: bool) -> None:
    law = block_spectrum(np.ones((layers, 1)), weight_variance=1.0, skip=0.0, tied=tied)
    expected = [comb((layers + 1) * k, k) / (layers * k + 1) for k in range(1, 7)]
    np.testing.assert_allclose(law.moments(6), expected, rtol=1e-8)


def test_a_gaussian_matrix_has_the_marchenko_pastur_law() -> None:
    law = block_spectrum(np.full((1, 1), 0.5), weight_variance=4.0, skip=0.0)
    np.testing.assert_allclose(law.cells(borders("even", 64)), marchenko_pastur_quantiles(1.0, 64), rtol=0, atol=2e-4)
    x = np.linspace(0.1, 3.9, 7)
    np.testing.assert_allclose(law.density(x), np.sqrt((4 - x) / x) / (2 * np.pi), rtol=1e-4)
    np.testing.assert_allclose(law.quantile([5e-6, 1e-4]), (np.pi * np.array([5e-6, 1e-4]) / 2) ** 2, rtol=0.1)
    np.testing.assert_allclose(law.edges, [0, 4], rtol=0, atol=1e-2)


def test_a_matrix_beside_the_identity() -> None:
    """Moments of (1 + W)^T (1 + W), by its words; for W of variance c below 1 the law begins above 0."""
    c = 0.6
    law = block_spectrum(np.ones((1, 1)), weight_variance=0.15, scale=2.0)
    np.testing.assert_allclose(law.moments(2), [1 + c, 1 + 4 * c + 2 * c**2], rtol=1e-8)
    x = law.edges.mean() + np.array([0.1, 0.4])
    trace = law.trace(x + 1e-8j)
    # (1 + W)^T (1 + W): r = 1 + c T has 1 / (r (z r) - ...) = T (Dozier and Silverstein 2007).
    r = 1 + c * trace
    np.testing.assert_allclose(trace, 1 / (1 / r - x * r), rtol=1e-6)
    assert law.edges[0] > 0
    assert law.cdf(law.edges[0] / 2) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_without_a_skip_it_is_the_free_chain(activation: str) -> None:
    """Tied or not, whatever the joint law of the slopes: only their own laws count, layer by layer."""
    d = slopes(2, activation)
    chain = reduce(matmul, [weights(variance=1.5) @ diagonal(empirical(each**2)) for each in d[::-1]])
    expected = spectrum(chain)
    for tied in (False, True):
        law = block_spectrum(d, weight_variance=1.5, skip=0.0, tied=tied)
        np.testing.assert_allclose(law.moments(6), chain.moments(6), rtol=1e-7)
        assert law.atom_at_zero == pytest.approx(chain.atom_at_zero, abs=1e-12)
        levels = LEVELS[law.atom_at_zero + 0.05 < LEVELS]
        np.testing.assert_allclose(expected.cdf(law.quantile(levels)), levels, rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    ("layers", "activation", "correlated", "tied", "skip"),
    [
        (1, "tanh", True, False, 1.0),
        (2, "shifted gelu", True, True, 1.0),
        (3, "gelu", False, False, 1.0),
        (3, "relu", True, True, -1.0),
        (4, "tanh", True, False, 0.7),
        (4, "tanh", True, True, 1.0),
    ],
)
def test_dense_matrices_have_the_law(layers: int, activation: str, correlated: bool, tied: bool, skip: float) -> None:
    """Parts of eigenvalues below quantiles: 5 standard errors of 12 trials, false alarms once in 3e2 seeds, and 2 / n.

    Means: the same, and 2 / n relative to what one eigenvalue may be.
    """
    d = slopes(layers, activation, correlated=correlated)
    law = block_spectrum(d, weight_variance=1.2, skip=skip, tied=tied)
    found = dense(d, variance=1.2, skip=skip, tied=tied)
    parts = (found[:, None] <= law.quantile(LEVELS)[:, None]).mean(-1)
    error = 5 * parts.std(0, ddof=1) / TRIALS**0.5 + 2 / WIDTH
    np.testing.assert_array_less(np.abs(parts.mean(0) - LEVELS), error)
    means = found.mean(1)
    error = 5 * means.std(ddof=1) / TRIALS**0.5 + 2 * law.edges[1] / WIDTH**1.5
    assert abs(means.mean() - law.moments(1)[0]) < error


def test_tied_blocks_have_another_law() -> None:
    """First moments by words: avg((d_1 + d_2)^2) where W meets itself, avg(d_1^2) + avg(d_2^2) where not."""
    d, v = slopes(2, "shifted gelu"), 1.3
    squares = np.mean(d**2, 1)
    both = v**2 * squares.prod()
    untied = block_spectrum(d, weight_variance=v).moments(1)
    tied = block_spectrum(d, weight_variance=v, tied=True).moments(1)
    np.testing.assert_allclose(untied, 1 + v * squares.sum() + both, rtol=1e-8)
    np.testing.assert_allclose(tied, 1 + v * np.mean(d.sum(0) ** 2) + both, rtol=1e-8)


def test_the_first_moment_is_that_of_independent_blocks() -> None:
    """By going back through the blocks: the mean square of J's columns at a coordinate, block by block."""
    d, v, s = slopes(4, "tanh"), 0.8, 0.9
    squares = np.ones(WIDTH)
    for each in d[::-1]:
        squares = s**2 * squares + v * each**2 * squares.mean()
    law = block_spectrum(d, weight_variance=v, skip=s)
    np.testing.assert_allclose(law.moments(1), squares.mean(), rtol=1e-8)
    np.testing.assert_allclose(law.cells(np.array([0.0, 1.0])), squares.mean(), rtol=1e-4)


def test_scales_are_scales() -> None:
    """Skip and branch times c: eigenvalues of 2 blocks times c^4; the branch's scale is a deviation."""
    d = slopes(2, "gelu")
    law = block_spectrum(d, weight_variance=0.5, tied=True)
    larger = block_spectrum(d, weight_variance=0.5, skip=3.0, scale=3.0, tied=True)
    np.testing.assert_allclose(larger.moments(4), law.moments(4) * 81.0 ** np.arange(1, 5), rtol=1e-7)
    same = block_spectrum(d, weight_variance=2.0, scale=0.5, tied=True)
    np.testing.assert_allclose(same.moments(4), law.moments(4), rtol=1e-10)


def solved(seed: int) -> BlockSpectrum:
    rng = np.random.default_rng(seed)
    activation = rng.choice(["tanh", "relu", "gelu", "shifted gelu"])
    d = slopes(int(rng.integers(1, 5)), activation, correlated=bool(rng.integers(2)), count=64)
    skip = float(rng.choice([0.0, 0.5, 1.0, 2.0]))
    return block_spectrum(d, weight_variance=np.exp(rng.uniform(-3, 2)), skip=skip, tied=bool(rng.integers(2)))


@pytest.mark.parametrize("seed", range(4))
def test_every_law_is_a_law(seed: int) -> None:
    """Of random networks: masses add up, both ways to coefficients meet, and the way from the top leads to the same."""
    law = solved(seed)
    nodes = law.cells(borders("even", 1 << 14))
    assert law.knots.p[-1] == 1
    assert (np.diff(nodes) >= 0).all()
    alpha, beta = law.recurrence(4)
    expected = recurrence(nodes, np.full(len(nodes), 1 / len(nodes)), 4)
    np.testing.assert_allclose([alpha, beta], expected, rtol=5e-3)
    z = law.edges[1] * np.array([0.3 + 1e-6j, 0.6 + 1e-3j, 1.5 + 1e-9j])
    state, found = descend(law.equation, z)
    assert (found.residual < 1e-9).all()
    np.testing.assert_allclose(found.trace, law.trace(z), rtol=1e-5)
    assert (law.trace(z).imag > 0).all()
    assert (law.equation.evaluated(z, state).residual < 1e-9).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 84))
def test_many_laws_are_laws(seed: int) -> None:
    test_every_law_is_a_law(seed)


def test_a_wrong_branch_is_left() -> None:
    """Near the real axis the complex conjugate of the solution nearly solves the equations too."""
    law = block_spectrum(slopes(2, "gelu", count=32), weight_variance=1.0, tied=True)
    z = law.edges.mean() * np.array([1 + 1e-7j])
    state, found = descend(law.equation, z)
    _, again = settle(law.equation, z, type(state)(x=state.x.conj(), y=state.y.conj()))
    np.testing.assert_allclose(again.trace, found.trace, rtol=1e-6)
    assert again.trace.imag > 0.01


@pytest.mark.parametrize("tied", [False, True])
def test_newtons_derivative_is_that_of_differences(tied: bool) -> None:
    """From 1e-4 away one step leaves the square of it."""
    law = block_spectrum(slopes(3, "shifted gelu", count=16), weight_variance=1.0, tied=tied)
    z = np.array([0.5 + 0.3j, 4.0 + 0.1j])
    state, _ = descend(law.equation, z)
    off = type(state)(x=state.x * (1 + 1e-4), y=state.y * (1 - 2e-4j))
    before = law.equation.evaluated(z, off)
    after = law.equation.evaluated(z, law.equation.newton(z, off, before, law.equation.slopes))
    assert (before.residual > 1e-5).all()
    assert (after.residual < 1e-6).all()


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(
        SpecError, match=r"^slopes: shape \(2, 3\); give finite numbers \(layer, coordinate\), not all 0"
    ):
        block_spectrum(np.stack([np.ones(3), np.zeros(3)]), weight_variance=1.0)
    with pytest.raises(SpecError, match=r"^weight_variance: 0\.0 is not allowed; it must be a positive number"):
        block_spectrum(np.ones((1, 2)), weight_variance=0.0)
    with pytest.raises(SpecError, match=r"^skip: nan is not allowed; it must be a finite number"):
        block_spectrum(np.ones((1, 2)), weight_variance=1.0, skip=np.nan)
    with pytest.raises(SpecError, match=r"^x: must be positive and finite"):
        block_spectrum(np.ones((1, 2)), weight_variance=1.0).density([0.0])
