"""Moments and spectra of random matrices: Catalan and Narayana numbers, eigenvalues of entries that are looked at."""

from math import comb

import numpy as np
import pytest
import torch
from acceptance import REPLICATES, assert_mean_is, exact_limit, experiment, measured, standard_error

from widthwise.errors import ProgramError
from widthwise.experiments import matrix_laws
from widthwise.spaces import Estimator, FiniteSpace, KetSpace
from widthwise.theory import wasserstein2

CATALAN = np.array([moment for catalan in (1, 2, 5, 14, 42, 132, 429) for moment in (0.0, catalan)])
NARAYANA = {
    0.5: np.array([1.0, 1.5, 2.75, 5.625, 12.3125, 28.21875]),
    1.0: np.array([1.0, 2.0, 5.0, 14.0, 42.0, 132.0]),
    2.0: np.array([1.0, 3.0, 11.0, 45.0, 197.0, 903.0]),
}
ESTIMATORS: tuple[Estimator, ...] = ("rqmc", "mc", "derivative")
SAMPLES = 1 << 14
SAMPLING = 8 / SAMPLES
"""A moment of N samples is off by a few parts of N, as one of N coordinates is: `mc` hides it, Sobol points do not."""


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_kets_have_catalan_moments(estimator: Estimator) -> None:
    """14 moments, 5 standard errors of 32 replicates: a false alarm once in 3,000 seeds."""
    values = measured("semicircle", KetSpace(SAMPLES, REPLICATES, estimator=estimator))["moment"]
    assert_mean_is(values, CATALAN, SAMPLING)
    np.testing.assert_array_equal(exact_limit("semicircle")["moment"], CATALAN)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("ratio", NARAYANA)
def test_kets_have_narayana_moments(ratio: float, estimator: Estimator) -> None:
    """6 moments, 5 standard errors of 32 replicates: a false alarm once in 8,000 seeds."""
    values = measured("marchenko_pastur", KetSpace(SAMPLES, REPLICATES, estimator=estimator), ratio=ratio)["moment"]
    assert_mean_is(values, NARAYANA[ratio], SAMPLING)
    np.testing.assert_array_equal(exact_limit("marchenko_pastur", ratio=ratio)["moment"], NARAYANA[ratio])


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_default_sampling_knows_low_moments_to_a_percent(estimator: Estimator) -> None:
    """Standard errors of 8 replicates of 2^18 samples: a matter of size, not of chance."""
    values = measured("semicircle", KetSpace(1 << 18, 8, estimator=estimator), orders=8)["moment"][:, 1::2]
    exact = CATALAN[1:8:2]
    assert (standard_error(values) < 0.01 * exact).all()
    assert (np.abs(values.mean(0) - exact) < 0.01 * exact).all()


@pytest.mark.parametrize("orders", [1, 2, 5, 6])
def test_fewer_orders_are_the_first_ones(orders: int) -> None:
    space, other = (KetSpace(256, 2, dtype=torch.float64) for _ in range(2))
    few, many = measured("semicircle", space, orders=orders), measured("semicircle", other, orders=7)
    np.testing.assert_allclose(few["moment"], many["moment"][:, :orders], atol=1e-12)


def test_the_orthogonal_law_has_another_limit_that_is_sampled() -> None:
    r"""(O + O^T) / sqrt 2 has eigenvalues :math:`\sqrt 2 \cos\theta`: moments C(2k, k) / 2^k; O O^T = 1.

    7 + 3 moments in the limit and at width 256; once in 1,500 seeds.
    """
    arcsine = np.array([0.0 if order % 2 else comb(order, order // 2) / 2 ** (order // 2) for order in range(1, 15)])
    for name, limit in (("semicircle", arcsine), ("marchenko_pastur", np.ones(6))):
        assert experiment(name, law="orthogonal").exact is None
        kets = measured(name, KetSpace(SAMPLES, REPLICATES), law="orthogonal")
        assert_mean_is(kets["moment"], limit, SAMPLING)
        wide = measured(name, FiniteSpace(256, REPLICATES), law="orthogonal")
        assert_mean_is(wide["moment"], limit, 8 / 256)


def test_a_rectangular_orthogonal_matrix_is_refused() -> None:
    with pytest.raises(ProgramError, match="make it square"):
        measured("marchenko_pastur", KetSpace(256, 2), law="orthogonal", ratio=2.0)


@pytest.mark.parametrize("law", ["gaussian", "rademacher", "sparse(0.1)"])
@pytest.mark.parametrize("name", ["semicircle", "marchenko_pastur"])
def test_the_spectrum_is_that_of_the_entries(name: str, law: str) -> None:
    """The second matrix of the program, its entries drawn again, and numpy; quantiles of 64 eigenvalues in 8192."""
    spectrum = measured(name, FiniteSpace(64, 3, dtype=torch.float64), law=law)["spectrum"]
    space = FiniteSpace(64, 3, dtype=torch.float64)
    measured(name, space, law=law)
    w = space.entries(space.matrices[-1]).numpy()
    a = (w + np.swapaxes(w, 1, 2)) / np.sqrt(2) if name == "semicircle" else w @ np.swapaxes(w, 1, 2)
    eigenvalues = np.linalg.eigvalsh(a)
    np.testing.assert_allclose(spectrum, np.repeat(eigenvalues, 8192 // 64, axis=1), atol=1e-12)
    assert abs(w.var() * 64 - 1) < 0.2
    assert (np.abs(w * 8) < 1 + 1e-6).all() == (law == "rademacher")


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_the_spectrum_of_a_rectangle_has_its_zeros(ratio: float) -> None:
    """Trace and rank: n rows for each column; eigenvalues repel, so W2 is far below the 0.09 of independent samples."""
    spectrum = measured("marchenko_pastur", FiniteSpace(128, 4, dtype=torch.float64), ratio=ratio)["spectrum"]
    exact = exact_limit("marchenko_pastur", ratio=ratio)["spectrum"]
    assert np.isclose((np.abs(spectrum) < 1e-10).mean(1), max(0.0, 1 - 1 / ratio), atol=1e-3).all()
    assert (wasserstein2(spectrum, exact) < 0.07).all()


def test_no_spectrum_where_there_are_too_many_eigenvalues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_laws, "WIDEST_SPECTRUM", 32)
    for name, width, options, known in (
        ("semicircle", 32, {}, True),
        ("semicircle", 33, {}, False),
        ("marchenko_pastur", 32, {"ratio": 0.5}, True),
        ("marchenko_pastur", 17, {"ratio": 2.0}, False),
    ):
        values = measured(name, FiniteSpace(width, 2), **options)
        assert np.isfinite(values["spectrum"]).all() == known, (name, width)
        assert np.isnan(values["spectrum"]).all() != known
        assert np.isfinite(values["moment"]).all()
    for estimator in ESTIMATORS:
        assert np.isnan(measured("semicircle", KetSpace(64, 2, estimator=estimator))["spectrum"]).all()
