"""Chains: moments against closed forms and words of matrices, composition, atoms."""

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.theory import marchenko_pastur_moments
from widthwise.theory.free import Chain, Measure, cauchy_transform, diagonal, empirical, moment_transform, weights

HALVES = diagonal(Measure(np.array([0.0, 1.0]), np.array([0.5, 0.5])))
SPREAD = diagonal(Measure(np.array([0.0, 0.3, 2.0]), np.array([0.2, 0.5, 0.3])))


def product_of(factors: int, ratio: float = 1.0) -> Chain:
    chain = weights(ratio)
    for _ in range(factors - 1):
        chain = weights(ratio) @ chain
    return chain


@pytest.mark.parametrize(
    ("factors", "moments"), [(1, [1, 2, 5, 14, 42]), (2, [1, 3, 12, 55, 273]), (3, [1, 4, 22, 140, 969])]
)
def test_products_of_square_gaussians_have_fuss_catalan_moments(factors: int, moments: list[int]) -> None:
    """Those of the oracles."""
    np.testing.assert_allclose(product_of(factors).moments(5), moments, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0.125, 0.5, 2.0, 8.0])
def test_one_matrix_has_the_moments_of_marchenko_and_pastur(ratio: float) -> None:
    """``W^T W`` of variance 1 / columns is the matrix of the theory of W W^T with sides exchanged, times the ratio."""
    expected = marchenko_pastur_moments(1 / ratio, 6) * ratio ** np.arange(1, 7)
    np.testing.assert_allclose(weights(ratio).moments(6), expected, rtol=1e-12)


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
def test_an_orthogonal_matrix_has_one_value_beside_zero(ratio: float) -> None:
    """Of rank min(1, ratio), and with entries of the given variance."""
    rank = min(1.0, ratio)
    moments = weights(ratio, 3.0, "orthogonal").moments(4)
    np.testing.assert_allclose(moments, rank * (3.0 * max(ratio, 1.0)) ** np.arange(1, 5), rtol=1e-12)


def test_composition_is_associative() -> None:
    a, b, c = SPREAD @ weights(2.0), weights(0.25, 1.5, "orthogonal") @ SPREAD, HALVES @ weights(3.0)
    first, second = (a @ b) @ c, a @ (b @ c)
    np.testing.assert_allclose(first.moments(6), second.moments(6), rtol=1e-12)
    assert first.ratio == pytest.approx(second.ratio) == pytest.approx(1.5)
    assert first.atom_at_zero == pytest.approx(second.atom_at_zero)


def test_moments_are_those_of_real_matrices() -> None:
    """Means of traces over 30 trials at width 192, within 5 of their standard errors (one in 1e5) and a bias of 4/n."""
    generator, n = np.random.default_rng(7), 192
    chain = SPREAD @ weights(0.5, 1.5) @ SPREAD @ weights(2.0)
    traces = []
    for _ in range(30):
        j = np.eye(n)
        for rows, variance in ((2 * n, 1.0), (n, 1.5)):
            slopes = np.sqrt(generator.choice([0.0, 0.3, 2.0], rows, p=[0.2, 0.5, 0.3]))
            j = slopes[:, None] * (generator.normal(size=(rows, len(j))) * np.sqrt(variance / len(j)) @ j)
        gram = j.T @ j
        traces.append([np.trace(gram) / n, np.sum(gram * gram) / n, np.sum((gram @ gram) * gram) / n])
    means, errors = np.mean(traces, axis=0), np.std(traces, axis=0, ddof=1) / np.sqrt(len(traces))
    exact = chain.moments(3)
    assert np.all(np.abs(means - exact) < 5 * errors + 4 * exact / n), (means, exact, errors)


@pytest.mark.parametrize(
    ("chain", "atom"),
    [
        (HALVES @ weights(), 0.5),
        (HALVES @ weights(8.0), 0.0),
        (HALVES @ weights(0.25), 0.875),
        (weights(4.0) @ weights(0.25), 0.75),
        (SPREAD @ HALVES, 0.5),
    ],
)
def test_the_kernel_is_that_of_the_narrowest_place(chain: Chain, atom: float) -> None:
    assert chain.atom_at_zero == pytest.approx(atom)


def test_orthogonal_matrices_keep_an_atom_that_iid_ones_smear() -> None:
    likely = diagonal(Measure(np.array([0.0, 1.0]), np.array([0.1, 0.9])))
    orthogonal = likely @ weights(1.0, 2.0, "orthogonal")
    assert (orthogonal @ orthogonal).atom_above_zero() == pytest.approx((4.0, 0.8))
    assert (orthogonal @ weights()).atom_above_zero() == (0.0, 0.0)


def test_transforms_of_samples_are_means() -> None:
    x, z = np.array([0.0, 0.5, 0.5, 2.0]), np.array([1 + 1j, -3 + 0.1j])
    law = empirical(x)
    assert len(law.points) == 3
    np.testing.assert_allclose(cauchy_transform(law, z), [np.mean(1 / (each - x)) for each in z])
    np.testing.assert_allclose(moment_transform(law, z), z * cauchy_transform(law, z) - 1, atol=1e-15)


@pytest.mark.parametrize(
    "make",
    [
        lambda: weights(0.0),
        lambda: weights(1.0, -1.0),
        lambda: weights(1.0, 1.0, "cauchy"),  # type: ignore[arg-type]
        lambda: Measure(np.array([-1.0]), np.array([1.0])),
        lambda: Measure(np.array([1.0]), np.array([0.0])),
        lambda: empirical([]),
    ],
)
def test_what_is_no_law_is_refused(make: object) -> None:
    with pytest.raises(SpecError, match=r"must|needed|allowed"):
        make()  # type: ignore[operator]
