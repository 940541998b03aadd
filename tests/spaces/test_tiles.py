"""Matrices of any law of entries: tiles kept or made again are one matrix, and only the law of vectors matters."""

import numpy as np
import pytest
import torch
from spread import assert_mean_is
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws import adopt_laws, law_names, names
from widthwise.laws.names import Law
from widthwise.spaces import Estimator, FiniteSpace, KetSpace, Matrix, Space, tiles

OWN = "uniform_of_a_user"
LAWS = [*sorted(set(law_names()) - {"orthogonal"}), OWN]
DTYPES = [torch.float32, torch.float64]


@pytest.fixture(autouse=True)
def small_tiles_and_an_own_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE", 16)
    monkeypatch.setattr(names, "_REGISTERED", {})
    adopt_laws([Law(name=OWN, family=OWN, source="here", sampler=_uniform)])


def _uniform(numbers: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return numbers.uniform(-(3**0.5), 3**0.5, shape)


def between(space: Space, law: str, **how: object) -> Matrix:
    """37 rows and 53 columns of 10: neither a multiple of a tile."""
    return space.matrix(space.dim("rows", 3.7), space.dim("columns", 5.3), law=law, variance=1.4, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("law", LAWS)
def test_tiled_is_dense_bit_for_bit(law: str, dtype: torch.dtype) -> None:
    """In both directions, at the first use of a tile and at later ones, in the backward pass too."""
    results = []
    for held in ("dense", "tiled"):
        space = FiniteSpace(10, 2, dtype=dtype)
        W = between(space, law, held=held)
        x, y = space.vectors(3, W.columns).requires_grad_(), space.vectors(2, W.rows)
        forth, back = W(x), W.T(y)
        (signal,), _ = space.backprop(space.avg(torch.tanh(W(back * back) + W(x)[:, :2])), x)
        results.append((forth, back, signal, space.entries(W)))
    for dense, tiled in zip(*results, strict=True):
        assert torch.equal(dense, tiled)
        assert dense.dtype == dtype


@pytest.mark.parametrize("law", LAWS)
def test_products_are_those_of_its_entries(law: str) -> None:
    space = FiniteSpace(10, 2, dtype=torch.float64)
    W = between(space, law, held="tiled")
    x, y = space.vectors(3, W.columns), space.vectors(2, W.rows)
    entries = space.entries(W)
    assert entries.shape == (2, 37, 53)
    torch.testing.assert_close(W(x), x @ entries.mT)
    torch.testing.assert_close(W.T(y), y @ entries)


@pytest.mark.parametrize("law", LAWS)
def test_both_dtypes_see_the_same_entries(law: str) -> None:
    single, double = (
        space.entries(between(space, law, held="tiled"))
        for space in (FiniteSpace(10, 2, dtype=each) for each in DTYPES)
    )
    torch.testing.assert_close(single.double(), double, rtol=1e-6, atol=0)


@pytest.mark.parametrize("law", LAWS)
def test_entries_have_mean_0_and_the_variance_asked_for(law: str) -> None:
    """Within 5 standard errors of 40 trials (Student's t: 1e-5 each); their tiles are unlike each other."""
    space = FiniteSpace(10, 40)
    entries = space.entries(between(space, law, held="tiled")) * (53 / 1.4) ** 0.5
    assert_mean_is(entries.mean((1, 2)), 0.0)
    assert_mean_is(entries.square().mean((1, 2)), 1.0)
    for other in (entries[:, :16, 16:32], entries[:, 16:32, :16], entries[:, 16:32, 16:32]):
        assert_mean_is((entries[:, :16, :16] * other).mean((1, 2)), 0.0)
    assert_mean_is((entries[:20] * entries[20:]).mean((1, 2)), 0.0)


@pytest.mark.parametrize("law", LAWS)
def test_every_matrix_and_vector_has_numbers_of_its_own(law: str) -> None:
    """In every trial; 15 correlations of 256 pairs, 6 standard errors: a false alarm once in 1e7 seeds."""
    space = FiniteSpace(16, 2)
    x = space.vectors(16, law=law)
    W, V = (space.entries(space.matrix(law=law, held="dense")).mT for _ in range(2))
    numbers = torch.cat([x, W, V]).flatten(1)
    assert (torch.corrcoef(numbers) - torch.eye(6)).abs().max() < 6 / 16


@pytest.mark.parametrize("law", LAWS)
def test_trial_7_is_trial_7(law: str) -> None:
    alone, together = (
        space.entries(between(space, law, held="dense"))
        for space in (FiniteSpace(10, 1, first=7), FiniteSpace(10, 3, first=6))
    )
    assert torch.equal(alone[0], together[1])


def test_a_law_of_matrices_is_none_of_vectors() -> None:
    with pytest.raises(ProgramError, match="'orthogonal' is a law of matrices"):
        FiniteSpace(10).vector(law="orthogonal")


CLIPPED = 0.030859595783726657
"""avg(U phi(U)) for Gaussian U and phi the identity on [-1/2, 1/2], else 0 (NGTP); 0 for U of signs."""


def clipped(space: Space, where: str, law: str) -> Tensor:
    ones = space.constant(torch.ones(1, 1))
    U = {
        "vector": lambda: space.vector(law=law),
        "features": lambda: space.matrix(features=1, law=law)(ones),
        "matrix": lambda: space.matrix(law=law)(space.vector()),
    }[where]()
    return space.avg(U * torch.where(U.abs() <= 0.5, U, 0.0)).flatten()


@pytest.mark.parametrize("where", ["vector", "features", "matrix"])
@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
def test_the_law_of_vectors_matters_and_that_of_matrices_does_not(
    monkeypatch: pytest.MonkeyPatch, law: str, where: str
) -> None:
    """In both readings. 32 replicates, 5 standard errors: a false alarm once in 5e4 seeds."""
    monkeypatch.undo()
    limit = 0.0 if law == "rademacher" and where != "matrix" else CLIPPED
    for space in (FiniteSpace(1000, 32), *(KetSpace(1 << 14, 32, estimator=each) for each in _estimators(where))):
        assert_mean_is(clipped(space, where, law), limit)


def _estimators(where: str) -> list[Estimator]:
    return ["rqmc", "mc", "derivative"] if where == "matrix" else ["rqmc", "mc"]


def test_an_own_law_of_vectors_is_the_same_in_blocks() -> None:
    """A long column is drawn in blocks, each with numbers of its own; 5 standard errors sqrt(1 / 40,000)."""
    x = FiniteSpace(80_000, 1).vectors(2, law=OWN)
    assert x.shape == (1, 2, 80_000)
    assert float(x.abs().max()) <= np.sqrt(3) + 1e-6
    assert abs(float((x[..., :40_000] * x[..., 40_000:]).mean())) < 5 * 80_000**-0.5
    assert abs(float((x[:, 0, : 1 << 15] * x[:, 0, 1 << 15 : 1 << 16]).mean())) < 5 * 2**-7.5
    assert abs(float(x.square().mean()) - 1) < 5 * (0.8 / 160_000) ** 0.5
