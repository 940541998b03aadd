"""A revealed orthogonal matrix is orthogonal, exactly, and Haar-distributed, in every order of questions."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from spread import assert_mean_is, assert_means_agree
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import Estimator, FiniteSpace, KetSpace, Matrix, Space

DTYPES = [torch.float32, torch.float64]


def haar(space: Space, rows: float = 1.0, columns: float = 1.0) -> Matrix:
    dims = (space.dim(f"of {ratio:g}", ratio) for ratio in (rows, columns))
    return space.matrix(*dims, law="orthogonal", variance=1.3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (1.0, 3.5)])
@pytest.mark.parametrize("n", [2, 3, 5, 29])
def test_more_questions_than_dimensions(n: int, shape: tuple[float, float], dtype: torch.dtype) -> None:
    """Both sides in turn, until the bases are full and beyond: one matrix answers, orthogonal on its shorter side."""
    space = FiniteSpace(n, 3, dtype=dtype)
    W = haar(space, *shape)
    asked, answered = [], []
    for k in range(2 * n):
        x, y = space.vectors(1 + k % 3, W.columns), space.vectors(1 + k % 2, W.rows)
        asked += [(x, W(x)), (torch.tanh(W.T(y)), W(torch.tanh(W.T(y))))]
        answered += [(y, W.T(y))]
    entries = space.entries(W).double()
    close = {"rtol": 0, "atol": 3e4 * n * torch.finfo(dtype).eps}
    for x, Wx in asked:
        torch.testing.assert_close(Wx.double(), x.double() @ entries.mT, **close)
    for y, Wty in answered:
        torch.testing.assert_close(Wty.double(), y.double() @ entries, **close)
    shorter = entries.mT @ entries if W.rows.size >= W.columns.size else entries @ entries.mT
    size = 1.3 * max(1.0, W.rows.size / W.columns.size)
    expected = size * torch.eye(shorter.shape[-1], dtype=torch.float64).expand_as(shorter)
    torch.testing.assert_close(shorter, expected, **close)


def statistics(entries: Tensor) -> np.ndarray:
    """Entries, their products, traces of powers; shape (trial, statistic)."""
    square = entries[:, : min(entries.shape[1:]), : min(entries.shape[1:])].double()
    traces = [torch.linalg.matrix_power(square, k).diagonal(dim1=1, dim2=2).sum(1) for k in (1, 2, 3)]
    flat = entries.flatten(1).double()
    pairs = [flat[:, i] * flat[:, j] for i, j in itertools.combinations(range(4), 2)]
    return torch.stack([*traces, *flat.T, *pairs, *(flat.T**2)], 1).numpy()


@pytest.mark.parametrize("order", ["rows first", "columns first", "mixed"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3)])
def test_the_law_is_haar(shape: tuple[int, int], order: str) -> None:
    """Against corners of Q of Gaussian matrices, R with a positive diagonal (Mezzadri 2007).

    27 statistics at most. Kolmogorov-Smirnov at 1e-6 each, means and variances within 5 standard errors: in all a false
    alarm once in 2e4 seeds.
    """
    trials, n = 4000, max(shape)
    space = FiniteSpace(n, trials, dtype=torch.float64)
    W = space.matrix(*(space.dim(name, size / n) for name, size in zip("rc", shape, strict=True)), law="orthogonal")
    if order != "columns first":
        W.T(space.vectors(shape[0] if order == "rows first" else 1, W.rows))
    if order == "mixed":
        W(torch.tanh(W.T(W(space.vector(W.columns)))))
    revealed = statistics(space.entries(W) * shape[1] ** 0.5)

    generator = torch.Generator().manual_seed(1)
    q, r = torch.linalg.qr(torch.randn(trials, n, n, dtype=torch.float64, generator=generator))
    q = q * r.diagonal(dim1=1, dim2=2).sign()[:, None]
    exact = statistics(q[:, : shape[0], : shape[1]] * n**0.5)
    for left, right in zip(revealed.T, exact.T, strict=True):
        assert stats.ks_2samp(left, right).pvalue > 1e-6
    left, right = torch.from_numpy(revealed), torch.from_numpy(exact)
    assert_means_agree(left, right)
    assert_means_agree((left - left.mean(0)) ** 2, (right - right.mean(0)) ** 2)


def test_backpropagation_is_the_transpose() -> None:
    space = FiniteSpace(7, 2, dtype=torch.float64)
    W, x = haar(space, 2.0), space.vectors(3).requires_grad_()
    (gradient,) = torch.autograd.grad(torch.sin(W(x)).sum(), x)
    entries = space.entries(W)
    torch.testing.assert_close(gradient, torch.cos(x @ entries.mT) @ entries)


@pytest.mark.parametrize("estimator", ["rqmc", "mc"])
def test_kets_keep_their_lengths_and_return(estimator: Estimator) -> None:
    space = KetSpace(4096, 32, estimator=estimator)
    W, x = haar(space), torch.relu(space.vectors(3))
    Wx = W(x)
    torch.testing.assert_close(space.gram(Wx), 1.3 * space.gram(x), rtol=0, atol=1e-5)
    torch.testing.assert_close(W.T(Wx), 1.3 * x, rtol=0, atol=1e-4)
    # A rotated vector is Gaussian: E y^4 = 3 (E y^2)^2. 5 standard errors of 32 replicates: 2e-5 each.
    assert_mean_is(space.avg(Wx**4) / space.avg(Wx**2) ** 2, 3.0)
    # Freeness: a function of W x comes back without its linear part only as noise.
    y = Wx**2 - space.avg(Wx**2)[..., None]
    assert_mean_is(space.gram(W.T(y), x), 0.0)


def test_the_definition_of_the_dot_knows_no_orthogonal_matrix() -> None:
    with pytest.raises(ProgramError, match="'derivative' knows no hats of an orthogonal matrix"):
        haar(KetSpace(64, estimator="derivative"))
