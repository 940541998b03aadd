"""Splitting vectors against a known span: reconstruction, orthonormality, and what is dropped."""

import pytest
import torch
from torch import Tensor

from widthwise.spaces.gram import gram
from widthwise.spaces.split import split

DTYPES = [torch.float32, torch.float64]


def vectors(rows: int, n: int, dtype: torch.dtype, *, seed: int = 0, replicates: int = 2) -> Tensor:
    return torch.randn(replicates, rows, n, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def check(x: Tensor, known: Tensor | None) -> Tensor:
    """The promises of split, to 200 units of rounding; returns the new rows."""
    inside, new, factor = split(x, known)
    rounding = 200 * torch.finfo(x.dtype).eps
    rebuilt = factor @ new.double()
    if known is not None and inside is not None:
        rebuilt = rebuilt + inside @ known.double()
        assert gram(new, known).abs().max() < rounding
    sizes = torch.linalg.vector_norm(x.double(), dim=-1)
    assert (torch.linalg.vector_norm(rebuilt - x.double(), dim=-1) <= rounding * sizes).all()
    squares = gram(new)
    expected = torch.diag_embed((squares.diagonal(dim1=-2, dim2=-1) > 0.5).double())
    assert (squares - expected).abs().max() < rounding
    return new


def rank(new: Tensor) -> Tensor:
    return (new != 0).any(-1).sum(-1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_general_position(dtype: torch.dtype) -> None:
    known = check(vectors(5, 300, dtype), None)
    assert rank(check(vectors(4, 300, dtype, seed=1), known)).tolist() == [4, 4]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1e-3, 1e-5, 1e-9, 1e-14])
def test_nearly_collinear_among_themselves_and_with_the_known(dtype: torch.dtype, size: float) -> None:
    base, change = vectors(1, 500, dtype), vectors(6, 500, dtype, seed=1)
    known = check(base, None)
    check(base + size * change, known)
    check(base + size * change, None)


@pytest.mark.parametrize("dtype", DTYPES)
def test_duplicates_and_zeros_are_dropped(dtype: torch.dtype) -> None:
    x = vectors(3, 100, dtype)
    x = torch.stack([x[:, 0], 2 * x[:, 0], torch.zeros_like(x[:, 0]), x[:, 1], x[:, 0] - x[:, 1]], 1)
    new = check(x, None)
    assert rank(new).tolist() == [2, 2]
    assert rank(check(x, new)).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_replicates_may_lose_different_directions(dtype: torch.dtype) -> None:
    x = vectors(3, 50, dtype)
    x[0, 1] = x[0, 0]
    x[1, 2] = -x[1, 1]
    new = check(x, None)
    assert (new[0, 1] == 0).all()
    assert (new[1, 2] == 0).all()
    assert rank(new).tolist() == [2, 2]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_more_vectors_than_coordinates(dtype: torch.dtype, n: int) -> None:
    new = check(vectors(8, n, dtype), None)
    assert rank(new).tolist() == [n, n]
    assert rank(check(vectors(8, n, dtype, seed=1), new)).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_sizes_may_differ_by_any_power(dtype: torch.dtype) -> None:
    """A direction is dropped relative to its own vector, not to its neighbours."""
    x = vectors(4, 200, dtype) * torch.tensor([1e10, 1.0, 1e-10, 1e-15], dtype=dtype)[:, None]
    assert rank(check(x, None)).tolist() == [4, 4]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_vector_that_diverged_is_nan_and_leaves_the_others_alone(dtype: torch.dtype, bad: float) -> None:
    x = vectors(4, 60, dtype)
    known = check(vectors(2, 60, dtype, seed=1), None)
    x[1, 2, 7] = bad
    for basis in (None, known):
        _, new, factor = split(x, basis)
        assert factor[1, 2].isnan().all()
        assert new.isfinite().all()
        assert rank(new).tolist() == [4, 3]
        kept = [0, 1, 3]
        _, clean, clean_factor = split(x[:, kept], basis)
        torch.testing.assert_close(factor[:, kept] @ new.double(), clean_factor @ clean.double())


def test_squares_that_overflow_count_as_diverged() -> None:
    x = vectors(2, 10, torch.float64)
    x[0, 0] *= 1e200
    assert split(x, None)[2][0, 0].isnan().all()


def coordinates(n: int = 500) -> Tensor:
    """Forty vectors in eight dimensions; of one they have ever more, from 1e-9 to 1e-2, and again."""
    basis, weights = vectors(8, n, torch.float64, replicates=1), vectors(20, 8, torch.float64, seed=1, replicates=1)
    weights[:, :, 3] = torch.logspace(-9, -2, 20, dtype=torch.float64)
    return torch.cat([weights, -2 * weights], 1) @ basis


@pytest.mark.parametrize("known", [False, True])
def test_rounding_does_not_decide_the_directions(known: bool) -> None:
    """In both precisions the same vectors come first, and their directions agree as far as they are known."""
    x = coordinates()
    basis = split(vectors(2, 500, torch.float64, seed=3, replicates=1), None)[1] if known else None
    double = split(x, basis)[1]
    single = split(x.float(), None if basis is None else basis.float())[1]
    assert rank(double).tolist() == rank(single).tolist() == [8]
    # The weakest residual is 1e-3 of its vector, whose rounding is 1e-7: a thousandth of a direction, three times over.
    torch.testing.assert_close(single.double(), double, rtol=0, atol=3e-3 * float(double.abs().max()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_bad_choice_ends_too(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """However dependent the vectors are that a round takes together."""
    monkeypatch.setattr("widthwise.spaces.split._most_independent", lambda squares, left: left.clone())
    check(vectors(1, 500, dtype) + 1e-5 * vectors(6, 500, dtype, seed=1), None)
    check(vectors(1, 500, dtype) + 1e-5 * vectors(6, 500, dtype, seed=1), check(vectors(2, 500, dtype, seed=2), None))


def test_of_equal_vectors_the_first_comes_first() -> None:
    x = vectors(3, 100, torch.float64)[:, [0, 0, 1, 1, 2, 2]]
    for nudged in (x, x * (1 + 1e-9 * vectors(6, 1, torch.float64, seed=1))):
        assert (split(nudged, None)[1] != 0).any(-1).tolist() == [[True, False] * 3] * 2
