"""Moments and quantiles of the two laws, against densities that scipy integrates and against random matrices."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, optimize

from widthwise.errors import SpecError
from widthwise.theory import (
    marchenko_pastur_expectation,
    marchenko_pastur_moments,
    marchenko_pastur_quantiles,
    semicircle_expectation,
    semicircle_moments,
    semicircle_quantiles,
)
from widthwise.theory.kernels import Array

ORACLES = json.loads(Path(__file__).with_name("matrix_law_oracles.json").read_text())
RATIOS = [0.01, 0.5, 0.999, 1.0, 1.001, 2.0, 7.5]


@dataclass(frozen=True, kw_only=True)
class Law:
    """A density ``lower(x) (x - low)**power sqrt(high - x)`` and an atom at 0."""

    low: float
    high: float
    power: float
    smooth: Callable[[float], float]
    atom: float = 0.0

    def integral(self, function: Callable[[float], float], start: float, end: float) -> float:
        """Of the function times the density, the edges of the support among the ends or not."""
        below, above = start > self.low, end < self.high
        powers = (0.0 if below else self.power, 0.0 if above else 0.5)

        def rest(x: float) -> float:
            left = (x - self.low) ** self.power if below else 1.0
            return function(x) * self.smooth(x) * left * (np.sqrt(self.high - x) if above else 1.0)

        kinks = {"weight": "alg", "wvar": powers} if powers != (0.0, 0.0) else {}
        return integrate.quad(rest, start, end, epsabs=1e-14, epsrel=1e-13, limit=200, **kinks)[0]


SEMICIRCLE = Law(low=-2.0, high=2.0, power=0.5, smooth=lambda x: 1 / (2 * np.pi))


def _marchenko_pastur(ratio: float) -> Law:
    edges = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    if ratio == 1.0:
        return Law(low=0.0, high=4.0, power=-0.5, smooth=lambda x: 1 / (2 * np.pi))
    return Law(
        low=edges[0],
        high=edges[1],
        power=0.5,
        smooth=lambda x: 1 / (2 * np.pi * ratio * x),
        atom=max(0.0, 1 - 1 / ratio),
    )


def _quantiles(law: Law, cells: int) -> Array:
    """Roots of the integrated density, and integrals between them, in the eigenvalue itself."""

    def border(share: float) -> float:
        if share <= law.atom:
            return law.low
        if share == 1.0:
            return law.high

        def excess(x: float) -> float:
            return law.atom + law.integral(lambda _: 1.0, law.low, x) - share

        return optimize.brentq(excess, law.low * (1 + 1e-12) + 1e-15, law.high - 1e-12, xtol=1e-14, rtol=1e-14)

    borders = [border(index / cells) for index in range(cells + 1)]
    pairs = pairwise(borders)
    return cells * np.array([law.integral(lambda x: x, start, end) if end > start else 0.0 for start, end in pairs])


def test_moments_match_the_oracles() -> None:
    moments = semicircle_moments(14)
    np.testing.assert_array_equal(moments[1::2], ORACLES["semicircle_even_moments"])
    np.testing.assert_array_equal(moments[::2], 0.0)
    for ratio, values in ORACLES["marchenko_pastur_moments"].items():
        np.testing.assert_array_equal(marchenko_pastur_moments(float(ratio), len(values)), values)


def test_moments_are_integrals_of_the_density() -> None:
    for order, moment in enumerate(semicircle_moments(9), start=1):
        assert SEMICIRCLE.integral(lambda x, k=order: x**k, -2.0, 2.0) == pytest.approx(moment, abs=1e-12)


@pytest.mark.parametrize("ratio", [0.01, 0.5, 1.0, 2.0, 7.5])
def test_moments_are_integrals_of_the_density_for_every_ratio(ratio: float) -> None:
    law = _marchenko_pastur(ratio)
    assert law.integral(lambda x: 1.0, law.low, law.high) + law.atom == pytest.approx(1.0, abs=1e-12)
    for order, moment in enumerate(marchenko_pastur_moments(ratio, 6), start=1):
        value = law.integral(lambda x, k=order: x**k, law.low, law.high)
        assert value == pytest.approx(moment, rel=1e-11)


def test_transposing_the_matrix_keeps_the_eigenvalues() -> None:
    """W W^T and W^T W have the same traces: ratio 1/c for W^T, whose entries have c times the variance."""
    orders = np.arange(1, 9)
    tall = marchenko_pastur_moments(2.5, 8)
    np.testing.assert_allclose(2.5 * tall, 2.5**orders * marchenko_pastur_moments(0.4, 8), rtol=1e-13)


@pytest.mark.parametrize("cells", [1, 2, 5, 8])
def test_semicircle_quantiles_are_integrals_between_roots(cells: int) -> None:
    np.testing.assert_allclose(semicircle_quantiles(cells), _quantiles(SEMICIRCLE, cells), rtol=0, atol=1e-12)


@pytest.mark.parametrize("ratio", [0.01, 0.5, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("cells", [1, 3, 8])
def test_marchenko_pastur_quantiles_are_integrals_between_roots(ratio: float, cells: int) -> None:
    expected = _quantiles(_marchenko_pastur(ratio), cells)
    np.testing.assert_allclose(marchenko_pastur_quantiles(ratio, cells), expected, rtol=0, atol=2e-11)


def test_hard_edge_keeps_its_digits() -> None:
    """At ratio 1, F = 2 sqrt(x) / pi (1 - x / 24 ...) near 0, so the first of many cells has mean (pi / cells)^2 / 12.

    The next terms of the quantile, x = (pi p / 2)^2 (1 + (pi p / 2)^2 / 12 ...), add (pi / cells)^4 / 960.
    """
    cells = 4096
    small = np.pi / cells
    assert marchenko_pastur_quantiles(1.0, cells)[0] == pytest.approx(small**2 / 12 + small**4 / 960, rel=1e-11)


def test_at_ratio_one_the_eigenvalues_are_squares_of_the_semicircle() -> None:
    """The quarter circle: |x| of the semicircle has quantiles at (1 + p) / 2, so cell means of its square are MP's."""
    share = (1 + (np.arange(16 * 4096) + 0.5) / (16 * 4096)) / 2
    root = semicircle_quantiles(2 * 16 * 4096)[16 * 4096 :]
    assert share.size == root.size
    coarse = np.mean((root**2).reshape(64, -1), axis=1)
    np.testing.assert_allclose(marchenko_pastur_quantiles(1.0, 64), coarse, rtol=0, atol=1e-7)


def test_semicircle_quantiles_are_odd_and_ascend() -> None:
    for cells in (1, 2, 511, 512, 4096):
        quantiles = semicircle_quantiles(cells)
        np.testing.assert_allclose(quantiles, -quantiles[::-1], rtol=0, atol=2e-15 * cells)
        assert np.all(np.diff(quantiles) > 0)
        assert np.all(np.abs(quantiles) < 2)


@pytest.mark.parametrize("ratio", RATIOS)
def test_quantiles_ascend_within_the_support_and_average_to_the_mean(ratio: float) -> None:
    law = _marchenko_pastur(ratio)
    for cells in (1, 7, 512, 4096):
        quantiles = marchenko_pastur_quantiles(ratio, cells)
        assert np.mean(quantiles) == pytest.approx(1.0, abs=1e-13)
        assert np.all(np.diff(quantiles) >= 0)
        assert quantiles[0] >= (0.0 if law.atom else law.low)
        assert quantiles[-1] <= law.high
        assert np.count_nonzero(quantiles == 0.0) == int(np.floor(cells * law.atom + 1e-9))


@pytest.mark.parametrize("ratio", RATIOS)
def test_fine_cells_average_to_coarse_ones(ratio: float) -> None:
    fine, coarse = marchenko_pastur_quantiles(ratio, 64 * 7), marchenko_pastur_quantiles(ratio, 7)
    np.testing.assert_allclose(np.mean(fine.reshape(7, 64), axis=1), coarse, rtol=0, atol=1e-13)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_powers_of_the_quantiles_tend_to_the_moments(order: int) -> None:
    """What cells lose is a variance within them: cells^-5/3 at the edges, cells^-1 in a cell that holds the gap."""
    cells = 2**14
    assert np.mean(semicircle_quantiles(cells) ** order) == pytest.approx(semicircle_moments(order)[-1], abs=1e-6)
    for ratio in RATIOS:
        law, moment = _marchenko_pastur(ratio), marchenko_pastur_moments(ratio, order)[-1]
        loss = moment - np.mean(marchenko_pastur_quantiles(ratio, cells) ** order)
        assert 0 < loss < 1e-6 * moment + np.sign(law.atom) * law.low**order / cells


def test_eigenvalues_of_random_matrices_have_these_quantiles() -> None:
    """Eigenvalues are rigid, to about 1/n; the bounds are 5 times the distances that other seeds gave."""
    generator = np.random.default_rng(3)
    wide = generator.standard_normal((300, 600)) / np.sqrt(600)
    for matrix in (wide, wide.T * np.sqrt(2)):
        ratio = matrix.shape[0] / matrix.shape[1]
        eigenvalues = np.linalg.eigvalsh(matrix @ matrix.T)
        gap = eigenvalues - marchenko_pastur_quantiles(ratio, len(eigenvalues))
        assert np.sqrt(np.mean(gap**2)) < 0.06
    square = generator.standard_normal((400, 400)) / np.sqrt(400)
    gap = np.linalg.eigvalsh((square + square.T) / np.sqrt(2)) - semicircle_quantiles(400)
    assert np.sqrt(np.mean(gap**2)) < 0.05


def test_expectations_of_polynomials() -> None:
    """x^2 (x^2 - 1)^2 = x^6 - 2 x^4 + x^2, so 5 - 4 + 1; and the same integrals by scipy."""
    assert semicircle_expectation([0, 0, 1, 0, -2, 0, 1]) == 2.0
    assert semicircle_expectation([3.5]) == 3.5
    coefficients = np.array([0.3, -1.0, 2.0, 0.0, 0.7])
    polynomial = np.polynomial.Polynomial(coefficients)
    assert semicircle_expectation(coefficients) == pytest.approx(SEMICIRCLE.integral(polynomial, -2, 2), rel=1e-12)
    for ratio in (0.5, 1.0, 2.0):
        law = _marchenko_pastur(ratio)
        value = law.integral(polynomial, law.low, law.high) + law.atom * polynomial(0.0)
        assert marchenko_pastur_expectation(ratio, coefficients) == pytest.approx(value, rel=1e-11)


def test_orthogonal_polynomials_of_the_semicircle() -> None:
    """Chebyshev polynomials of the second kind in x / 2 are orthonormal under it: moments up to order 16 at once."""
    for first in range(9):
        for second in range(9):
            product = _chebyshev(first) * _chebyshev(second)
            assert semicircle_expectation(product.coef) == (1.0 if first == second else 0.0)


def _chebyshev(order: int) -> np.polynomial.Polynomial:
    terms = [(order - 2 * k, (-1) ** k * comb(order - k, k)) for k in range(order // 2 + 1)]
    coefficients = np.zeros(order + 1)
    for power, value in terms:
        coefficients[power] = value
    return np.polynomial.Polynomial(coefficients)


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.inf, np.nan])
def test_a_ratio_that_is_none_is_refused(ratio: float) -> None:
    for call in (
        lambda: marchenko_pastur_moments(ratio, 3),
        lambda: marchenko_pastur_quantiles(ratio, 3),
        lambda: marchenko_pastur_expectation(ratio, [1.0]),
    ):
        with pytest.raises(SpecError, match=r"^ratio: \S+ is not a positive number; "):
            call()


def test_no_cells_are_refused() -> None:
    with pytest.raises(SpecError, match=r"^cells: 0 is below 1; "):
        semicircle_quantiles(0)
    with pytest.raises(SpecError, match=r"^cells: -2 is below 1; "):
        marchenko_pastur_quantiles(1.0, -2)
