"""Spectra of chains: closed forms, masses, residuals, edges, and random architectures without a wrong branch."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from widthwise.errors import SpecError
from widthwise.theory import marchenko_pastur_quantiles
from widthwise.theory.cells import borders
from widthwise.theory.free import Chain, Measure, diagonal, slope_law, spectrum, weights
from widthwise.theory.free.equation import equation, potential
from widthwise.theory.free.lilypads import solve
from widthwise.theory.kernels import Array

ONE = diagonal(Measure(np.ones(1), np.ones(1)))
RELU = diagonal(Measure(np.array([0.0, 1.0]), np.array([0.5, 0.5])))
LEAKY = diagonal(Measure(np.array([1e-4, 1.0]), np.array([0.5, 0.5])))
HARD = diagonal(Measure(np.array([0.0, 1.0]), np.array([0.1, 0.9])))
SLOPES = {"linear": ONE, "relu": RELU, "leaky": LEAKY, "hard": HARD}


def tanh_slope(x: Array) -> Array:
    return 1 - np.tanh(x) ** 2


def layers(layer: Chain, depth: int) -> Chain:
    return reduce(lambda inner, outer: outer @ inner, [layer] * depth)


@pytest.mark.parametrize("ratio", [0.125, 0.5, 1.0, 2.0, 8.0])
def test_one_matrix_has_the_law_of_marchenko_and_pastur(ratio: float) -> None:
    """Quantiles to 3e-5 of the upper edge, edges to roundings, density in closed form, atom at zero."""
    law = spectrum(weights(ratio))
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    np.testing.assert_allclose(law.edges, [low, high], atol=1e-10 * high)
    assert law.atom_at_zero == pytest.approx(max(0.0, 1 - ratio))
    x = low + (high - low) * np.array([0.01, 0.3, 0.7, 0.99])
    closed = np.sqrt((high - x) * (x - low)) / (2 * np.pi * x)
    np.testing.assert_allclose(law.density(x), closed, rtol=1e-9)
    np.testing.assert_allclose(law.density([low / 2 or 1e9, 2 * high]), 0.0, atol=1e-12)
    expected = ratio * marchenko_pastur_quantiles(1 / ratio, 512)
    np.testing.assert_allclose(law.cells(borders("even", 512)), expected, atol=3e-5 * high)


@pytest.mark.parametrize("factors", [2, 3, 8])
def test_products_of_gaussians_end_where_fuss_and_catalan_say(factors: int) -> None:
    """Edge (L + 1)^(L + 1) / L^L; near 0 the density falls as x^(-L / (L + 1)) (Penson and Zyczkowski 2011)."""
    law = spectrum(layers(weights(), factors))
    np.testing.assert_allclose(law.edges, [0.0, (factors + 1) ** (factors + 1) / factors**factors], rtol=1e-10)
    low = np.array([1e-9, 1e-8]) ** factors
    slope = np.diff(np.log(law.density(low))) / np.diff(np.log(low))
    assert slope.item() == pytest.approx(-factors / (factors + 1), abs=1e-3)


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("depth", [1, 4, 32, 128])
def test_nothing_of_the_mass_is_lost_however_deep(name: str, depth: int) -> None:
    """Density by quadrature, in closed form, and the atom: 1 within 1e-6; the first moment is that of the chain."""
    law = spectrum(layers(SLOPES[name] @ weights(1.0, 2.0), depth))
    assert law.mass == pytest.approx(1.0, abs=2e-6)
    assert law.grid.above[0] + law.atom_at_zero == pytest.approx(1.0, abs=2e-6)
    assert np.all(np.diff(law.grid.above) <= 1e-9)
    assert np.all(law.grid.solution.residuals < 1e-10)


@pytest.mark.parametrize("depth", [1, 4, 32, 128])
def test_residuals_are_roundings_at_height_1e_9(depth: int) -> None:
    """Relative ones of z, at 200 points over the support and beyond; Im m < 0 throughout."""
    system = equation(layers(RELU @ weights(1.0, 2.0), depth))
    x = np.geomspace(1e-8, 10 * system.second / system.first, 200)
    found = solve(system, np.log(x + 1e-9j))
    assert np.max(found.residuals) < 1e-10
    assert np.all(found.unknowns[0].imag < 0)


def test_the_moments_of_the_tanh_oracle() -> None:
    """Four layers, weight variance 1.5, inputs of mean square 1: exactly, and from the density."""
    z, w = np.polynomial.hermite_e.hermegauss(120)
    q, chain = 1.5, None
    for _ in range(4):
        layer = diagonal(slope_law(tanh_slope, q)) @ weights(1.0, 1.5)
        chain = layer @ chain if chain else layer
        q = 1.5 * float(w @ np.tanh(np.sqrt(q) * z) ** 2 / w.sum())
    assert chain is not None
    np.testing.assert_allclose(chain.moments(2), [0.3953173394126456, 1.0603868011621702], rtol=1e-9)
    law = spectrum(chain)
    cells = law.cells(borders("even", 4096))
    np.testing.assert_allclose([cells.mean(), np.mean(cells**2)], chain.moments(2), rtol=1e-4)
    assert law.mass == pytest.approx(1.0, abs=2e-6)


def test_laws_agree_with_singular_values_of_real_matrices() -> None:
    """W2 between all of 4 x 400 squared singular values and the law, relative to its size: 3 % is 1/n and tails."""
    generator, n = np.random.default_rng(3), 400
    law = spectrum(RELU @ weights(2.0, 1.0) @ RELU @ weights(0.5, 2.0))
    values = []
    for _ in range(4):
        j = np.eye(n)
        for rows, variance in ((n // 2, 2.0), (n, 1.0)):
            j = generator.permutation(np.arange(rows) % 2)[:, None] * (
                generator.normal(size=(rows, len(j))) * np.sqrt(variance / len(j)) @ j
            )
        values.append(np.linalg.svd(j, compute_uv=False) ** 2)
    found = np.sort(np.concatenate(values))
    expected = law.cells(borders("even", len(found)))
    assert np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)) < 0.03


@pytest.mark.parametrize(("level", "ratio"), [(0.3, 1.0), (0.9, 0.25), (0.999, 4.0)])
def test_quantiles_invert_the_distribution_function(level: float, ratio: float) -> None:
    law = spectrum(LEAKY @ weights(ratio))
    x = law.quantile(level)
    if x > 0:
        assert law.cdf(x * (1 + 1e-9)).item() >= level - 1e-9
        assert law.cdf(x * (1 - 1e-6)).item() <= level + 1e-9


def test_bands_are_apart_and_levels_between_them_jump() -> None:
    """Slopes 1 and 0.01: half of the mass in either of two bands, the upper one that of a ReLU layer, nearly."""
    law, relu = spectrum(LEAKY @ weights()), spectrum(RELU @ weights())
    assert len(law.edges) == 4
    np.testing.assert_allclose(law.edges[2:], relu.edges, rtol=1e-3)
    below, above = law.quantile([0.5 - 1e-6, 0.5 + 1e-6])
    assert below <= law.edges[1] < law.edges[2] <= above


def test_orthogonal_matrices_keep_atoms_and_singular_edges() -> None:
    """Two projections of rank 1/2 have the arcsine law on [0, 1] beside their kernel, of rank 0.9 an atom of 0.8."""
    arcsine = spectrum(layers(RELU @ weights(1.0, 1.0, "orthogonal"), 2))
    p = np.array([0.6, 0.75, 0.9])
    np.testing.assert_allclose(arcsine.quantile(p), np.sin(np.pi * (p - 0.5)) ** 2, atol=1e-6)
    atoms = spectrum(layers(HARD @ weights(1.0, 1.0, "orthogonal"), 2))
    assert atoms.atom == pytest.approx((1.0, 0.8))
    assert atoms.mass == pytest.approx(1.0, abs=1e-6)
    below, _ = quad(lambda x: np.sqrt(x * (0.36 - x)) / (2 * np.pi * x * (1 - x)), 0, 0.1)
    assert atoms.cdf(0.1).item() == pytest.approx(0.1 + below, abs=1e-7)
    assert atoms.quantile([0.05, 0.1 + below, 0.5, 0.99]).tolist() == pytest.approx([0.0, 0.1, 1.0, 1.0], abs=1e-5)
    one = spectrum(layers(ONE @ weights(1.0, 2.0, "orthogonal"), 3))
    assert one.quantile([0.1, 0.9]).tolist() == pytest.approx([8.0, 8.0])
    assert not one.has_density


@pytest.mark.parametrize("depth", [1, 4, 32])
def test_the_mean_logarithm_adds_up_over_free_layers(depth: int) -> None:
    """Of square layers: -1 for a matrix of variance 1 (Newman 1986), the mean of log d^2 for a diagonal."""
    law = spectrum(layers(diagonal(Measure(np.array([0.5, 3.0]), np.array([0.4, 0.6]))) @ weights(), depth))
    assert law.log_moment == pytest.approx(depth * (0.4 * np.log(0.5) + 0.6 * np.log(3.0) - 1), rel=1e-8)


def architectures(names: list[str], most: int) -> st.SearchStrategy[tuple[str, list[float], float, str]]:
    return st.tuples(
        st.sampled_from(names),
        st.lists(st.floats(-3, 3), min_size=2, max_size=most),
        st.floats(0.5, 4.0),
        st.sampled_from(["iid", "orthogonal"]),
    )


def assert_on_the_right_branch(drawn: tuple[str, list[float], float, str], missing: float) -> None:
    """Total mass, order of the distribution function, first two moments from the quantile function."""
    name, exponents, variance, kind = drawn
    chain: Chain | None = None
    for exponent in exponents:
        slopes = SLOPES[name] if name in SLOPES else diagonal(slope_law(tanh_slope, variance))
        layer = slopes @ weights(2.0**exponent, variance, kind)  # type: ignore[arg-type]
        chain = layer @ chain if chain else layer
    assert chain is not None
    law = spectrum(chain)
    assert law.mass == pytest.approx(1.0, abs=missing)
    levels = borders("even", 256)
    cells = law.cells(levels)
    assert cells.mean() == pytest.approx(chain.moments(1)[0], rel=1e-9)
    share = np.mean(cells**2) / chain.moments(2)[1]
    assert 0.8 < share < 1 + 1e-6  # a mean of squares is at least the square of a mean
    assert np.all(np.diff(cells) >= -1e-9 * cells[-1])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(architectures(list(SLOPES), 7))
def test_random_architectures_end_on_the_right_branch(drawn: tuple[str, list[float], float, str]) -> None:
    """Ratios from 1/8 to 8; densities that are infinite at an edge are integrated to 1e-3."""
    assert_on_the_right_branch(drawn, 1e-3)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True)
@given(architectures([*SLOPES, "tanh"], 5))
def test_more_random_architectures_end_on_the_right_branch(drawn: tuple[str, list[float], float, str]) -> None:
    """Of wide laws of slopes behind a narrow layer up to a twentieth may be out of reach, and is missing."""
    assert_on_the_right_branch(drawn, 0.05)


def test_the_potential_is_that_of_the_moments() -> None:
    """``E[log(z - x)] = log z - sum_k m_k / (k z^k)``, real and imaginary part, far from a support that ends at 22."""
    system, z = equation(RELU @ weights(2.0) @ LEAKY @ weights(0.5)), 400.0 * np.exp(1j * np.array([0.3, 1.0, 2.5]))
    found = solve(system, np.log(z))
    moments = (RELU @ weights(2.0) @ LEAKY @ weights(0.5)).moments(12)
    orders = np.arange(1, 13)
    expected = found.zeta - (moments / orders) @ np.exp(-np.outer(orders, found.zeta))
    np.testing.assert_allclose(potential(system, found.unknowns, found.zeta), expected, rtol=1e-11)


def test_hops_do_not_pass_over_an_edge() -> None:
    """A law with a gap below it, where the equation has a root beyond the edge that is not the law's."""
    masses = (0.571, 0.42, 0.38, 0.36)
    parts = [diagonal(Measure(np.array([0.0, 1.0]), np.array([1 - p, p]))) @ weights(1.0, 1.5) for p in masses]
    law = spectrum(reduce(lambda inner, outer: outer @ inner, parts))
    assert len(law.edges) == 2
    assert law.edges[0] > 0
    assert law.mass == pytest.approx(1.0, abs=1e-6)
    below = law.edges[0] * np.array([0.05, 0.3, 0.9])
    np.testing.assert_allclose(law.survival(below), 1 - law.atom_at_zero, atol=1e-9)


def test_a_law_without_a_density_is_refused_in_one_line() -> None:
    with pytest.raises(SpecError, match=r"^weights: orthogonal matrices and a single diagonal"):
        spectrum(LEAKY @ weights(1.0, 1.0, "orthogonal"))


def test_arguments_off_the_domain_are_refused() -> None:
    law = spectrum(weights())
    with pytest.raises(SpecError, match=r"^x: must be positive"):
        law.density([1.0, 0.0])
    with pytest.raises(SpecError, match=r"^quantile"):
        law.quantile(1.5)
    with pytest.raises(SpecError, match=r"^z: must be in the upper half plane"):
        law.moment_transform(1.0)
