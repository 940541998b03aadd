"""A revealed matrix has the law of a dense one, exactly, at every finite width, in every order of questions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from widthwise.spaces import FiniteSpace, KetSpace, Space

TRIALS = 4000
DTYPES = [torch.float32, torch.float64]


def fixed(n: int, rows: int, dtype: torch.dtype) -> Tensor:
    """The same vectors in every trial: correlated, and from the third on collinear with the first ones."""
    a, b = torch.randn(2, n, dtype=dtype, generator=torch.Generator().manual_seed(n))
    pool = [a, a + 0.3 * b, 2 * a, a - b, a + 1e-3 * b, torch.zeros_like(a), b, a + b]
    return torch.stack(pool[:rows]).expand(TRIALS, rows, n)


def forth_and_back(space: Space, x: Tensor) -> Tensor:
    W = space.matrix(variance=1.7)
    y = W(x[:, :2])
    z = W.T(y)
    return torch.cat([y, z, W(z + x[:, 2:4]), W.T(x[:, :2])], 1)


def back_and_forth(space: Space, x: Tensor) -> Tensor:
    W = space.matrix()
    z = W.T(x)
    return torch.cat([z, W(torch.tanh(z)), W(x), W.T(torch.tanh(z))], 1)


def features(space: Space, x: Tensor) -> Tensor:
    U = space.matrix(features=x.shape[1], variance=0.6)
    h = U(x.mT[:, : x.shape[2]])
    return torch.cat([h, U.T(torch.tanh(h)) @ torch.ones(x.shape[1], space.coordinates, dtype=x.dtype)], 1)


def statistics(products: Tensor) -> np.ndarray:
    """Per trial: some entries, their squares, and products across vectors and coordinates; shape (trial, statistic)."""
    flat = products.detach().double().reshape(len(products), -1)
    generator = torch.Generator().manual_seed(0)
    mixtures = flat @ torch.randn(flat.shape[1], 6, dtype=torch.float64, generator=generator)
    grams = products.detach().double() @ products.detach().double().mT
    chosen = grams.reshape(len(flat), -1)[:, torch.randperm(grams[0].numel(), generator=generator)[:12]]
    return torch.cat([flat[:, :4], mixtures, chosen], 1).numpy()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("program", [forth_and_back, back_and_forth, features])
def test_same_law_as_dense(program: Callable[[Space, Tensor], Tensor], n: int, dtype: torch.dtype) -> None:
    x = fixed(n, 8, dtype)
    revealed, dense = (
        statistics(program(FiniteSpace(n, TRIALS, seed=seed, matrix=holding, dtype=dtype), x))
        for seed, holding in ((1, "revealed"), (2, "dense"))
    )
    # 22 statistics, 3 tests each. Kolmogorov-Smirnov at 1e-6; means and variances within 5 standard errors of their
    # difference, estimated from the trials: 6e-7 a test. In all a false alarm once in ten thousand parametrizations.
    for left, right in zip(revealed.T, dense.T, strict=True):
        scale = left.std() + right.std() + 1e-12
        if scale < 1e-6 * (1 + abs(left.mean())):
            continue
        assert stats.ks_2samp(left, right).pvalue > 1e-6
        for f in (lambda v: v, lambda v: (v - v.mean()) ** 2):
            error = np.hypot(stats.sem(f(left)), stats.sem(f(right)))
            assert abs(f(left).mean() - f(right).mean()) < 5 * error


@pytest.mark.parametrize("dtype", DTYPES)
def test_answers_are_those_of_one_linear_map(dtype: torch.dtype) -> None:
    """Linearity, adjointness and consistency hold exactly, not only in law."""
    space = FiniteSpace(40, 3, dtype=dtype)
    W, x, y = space.matrix(), space.vectors(4), space.vectors(3)
    close = {"rtol": 0, "atol": 1e3 * torch.finfo(dtype).eps}
    Wx, Wty = W(x), W.T(y)
    torch.testing.assert_close(space.gram(y, Wx), space.gram(Wty, x), **close)
    torch.testing.assert_close(W(2 * x[:, :1] - x[:, 1:2]), 2 * Wx[:, :1] - Wx[:, 1:2], **close)
    torch.testing.assert_close(W(x), Wx, **close)
    torch.testing.assert_close(space.gram(y, W(Wty)), space.gram(Wty), **close)


def test_two_coordinates_and_eight_vectors_reveal_the_whole_matrix() -> None:
    space = FiniteSpace(2, 5, dtype=torch.float64)
    W, x = space.matrix(), space.vectors(8)
    Wx = W(x)
    entries = torch.linalg.lstsq(x, Wx).solution  # (replicate, column, row)
    torch.testing.assert_close(x @ entries, Wx)
    y = space.vectors(8)
    torch.testing.assert_close(W.T(y), y @ entries.mT)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("space", [lambda d: FiniteSpace(4096, 64, dtype=d), lambda d: KetSpace(4096, 64, dtype=d)])
def test_backpropagation_through_the_transpose(space: Callable[[torch.dtype], Space], dtype: torch.dtype) -> None:
    """TP0 section 6: avg(z 2 W^T W z) -> 2, where an independent copy for W^T predicts 0."""
    here = space(dtype)
    z = here.vector().requires_grad_()
    W = here.matrix()
    h = W(z)
    (signal,), _ = here.backprop(here.avg(h * h), z)
    values = here.avg(z * signal).detach().double().flatten()
    # E = 2 exactly at finite width; 4 standard errors from the 64 replicates: false alarm 1e-4 (t with 63 degrees).
    assert abs(values.mean() - 2) < 4 * values.std() / 8
    copy = here.avg(z * 2 * here.matrix().T(h)).detach().double().flatten()
    assert abs(copy.mean()) < 4 * copy.std() / 8


def test_kets_keep_adjointness_and_the_covariance_of_hats() -> None:
    space = KetSpace(1 << 16, 8)
    W, x = space.matrix(variance=1.3), torch.tanh(space.vectors(3))
    hat = W(x)
    difference = space.gram(hat) - 1.3 * space.gram(x)
    # Standard error from the 8 replicates; 6 of them with 7 degrees of freedom: 5e-4 an entry.
    assert (difference.mean(0).abs() < 6 * difference.std(0) / 8**0.5).all()
    y = torch.sin(hat)
    torch.testing.assert_close(space.gram(y, hat), space.gram(W.T(y), x), rtol=0, atol=1e-5)
