"""Classes of several widths: sizes, what fits together, and matrices between them in every reading and holding."""

from collections.abc import Callable, Mapping

import pytest
import torch
from spread import assert_mean_is, assert_means_agree
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, Holding, KetSpace, Matrix, Space

HOLDINGS: tuple[Holding, ...] = ("revealed", "dense", "tiled")


@pytest.mark.parametrize(
    ("n", "ratio", "size"),
    [(10, 1.0, 10), (10, 0.25, 2), (10, 0.26, 3), (7, 0.5, 4), (5, 0.5, 2), (3, 2.0, 6), (2, 0.1, 1), (1, 0.5, 1)],
)
def test_widths_are_rounded_and_at_least_one(n: int, ratio: float, size: int) -> None:
    space = FiniteSpace(n, 2)
    dim = space.dim("a", ratio)
    assert dim.size == size
    assert dim.weight == 1
    assert space.vectors(3, dim).shape == (2, 3, size)
    assert space.matrix(dim)(space.vectors(3)).shape == (2, 3, size)


def test_a_class_at_another_width() -> None:
    """From the ratio, not from the rounded width; a constant axis keeps its length."""
    dim = FiniteSpace(3).dim("a", 0.5)
    assert dim.size == 2
    assert dim.at(100) == FiniteSpace(100).dim("a", 0.5) == KetSpace(7).dim("a", 0.5).at(100)
    assert FiniteSpace(3).matrix(features=5).columns.at(100).size == 5


def test_classes_of_kets_share_the_samples() -> None:
    space = KetSpace(64, 2)
    dim = space.dim("a", 2.5)
    assert dim.size == 64
    assert dim.weight == 2.5
    assert space.matrix(dim)(space.vectors(3)).shape == (2, 3, 64)


@pytest.mark.parametrize("space", [FiniteSpace(10), KetSpace(16)])
def test_a_name_has_one_ratio(space: Space) -> None:
    """Also where the other ratio would round to the same width."""
    assert space.dim("a", 0.5) == space.dim("a", 0.5)
    with pytest.raises(ProgramError, match=r"dim 'a': ratio 0\.51 differs"):
        space.dim("a", 0.51)
    with pytest.raises(ProgramError, match=r"dim 'n': ratio 2\.0 differs"):
        space.dim("n", 2.0)


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("inf"), float("nan")])
def test_a_ratio_is_a_positive_number(ratio: float) -> None:
    with pytest.raises(ProgramError, match="must be a positive number"):
        FiniteSpace(10).dim("a", ratio)


def test_a_vector_of_another_class_is_refused() -> None:
    space = FiniteSpace(10)
    a = space.dim("a", 2.0)
    W = space.matrix(a)
    with pytest.raises(ProgramError, match=r"has 20 coordinates, the matrix takes 10 of 'n'"):
        W(space.vectors(1, a))
    with pytest.raises(ProgramError, match=r"has 10 coordinates, the matrix takes 20 of 'a'"):
        W.T(space.vector())


def between(space: Space, held: Holding | None = None) -> Matrix:
    """W with 2n rows and n / 2 columns, entries of variance 1.3 / columns."""
    return space.matrix(space.dim("rows", 2.0), space.dim("columns", 0.5), variance=1.3, held=held)


def forms(space: Space, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear and further forms of W at fixed x and y, more of them than W has dimensions; (trial, form)."""
    W = between(space)
    Wx = W(x)
    WtWx = W.T(Wx)
    Wty = W.T(y)
    again = W(torch.tanh(Wty))
    pairs = [(y, Wx), (x, WtWx), (y, W(WtWx)), (Wty, Wty), (y, again), (Wx, again), (W.T(torch.sin(again)), x)]
    return torch.cat([space.gram(*pair).flatten(1) for pair in pairs], 1)


@pytest.mark.parametrize("held", ["revealed", "tiled"])
@pytest.mark.parametrize("n", [2, 4])
def test_forms_have_the_law_of_a_dense_matrix(n: int, held: Holding) -> None:
    """Means and variances of 28 forms within 5 standard errors, 4000 trials each: a false alarm once in 3e4 seeds."""
    generator = torch.Generator().manual_seed(n)
    x = torch.randn(2, n // 2, generator=generator).expand(4000, -1, -1)
    y = torch.randn(2, 2 * n, generator=generator).expand(4000, -1, -1)
    values, dense = (forms(FiniteSpace(n, 4000, seed=i, matrix=m), x, y) for i, m in enumerate((held, "dense")))
    assert_means_agree(values, dense)
    assert_means_agree((values - values.mean(0)) ** 2, (dense - dense.mean(0)) ** 2)


SPACES: Mapping[str, Callable[[], Space]] = {
    **{held: lambda held=held: FiniteSpace(20, 32, matrix=held) for held in HOLDINGS},
    "rqmc": lambda: KetSpace(1 << 12, 32),
    "mc": lambda: KetSpace(1 << 12, 32, estimator="mc"),
    "derivative": lambda: KetSpace(1 << 12, 32, estimator="derivative"),
}


@pytest.mark.parametrize("name", SPACES)
def test_the_transpose_is_the_adjoint(name: str) -> None:
    """Sums of y W x are those of x W^T y, exactly where W has entries or is revealed, else within 5 standard errors."""
    space = SPACES[name]()
    W = between(space)
    x, y = space.vectors(3, W.columns), space.vectors(2, W.rows)
    x = torch.sin(W.T(torch.tanh(W(x) + y[:, :1]))) + x
    left = space.gram(y, W(x)) * (W.rows.extent / W.columns.extent)
    right = space.gram(W.T(y), x)
    if name == "derivative":
        assert_means_agree(left, right)
    else:
        torch.testing.assert_close(left, right, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", SPACES)
def test_scales(name: str) -> None:
    """E (W x)^2 = 1.3 E x^2, for the transpose times rows per column: 5 standard errors, once in 5e4 seeds."""
    space = SPACES[name]()
    W, V = between(space), between(space)
    x, y = torch.tanh(space.vector(W.columns)), torch.tanh(space.vector(V.rows))
    assert_mean_is(space.gram(W(x)) / space.gram(x), 1.3)
    assert_mean_is(space.gram(V.T(y)) / space.gram(y), 1.3 * 4)


@pytest.mark.parametrize("held", HOLDINGS)
def test_factors_add_up_to_the_gradient(held: Holding) -> None:
    """dL/dW = 1 / rows sum left right^T, for direct and transposed uses, against autograd on the entries."""
    space = FiniteSpace(6, 2, dtype=torch.float64)
    W = between(space, held)
    x, y = space.vectors(3, W.columns), space.vectors(3, W.rows)

    def loss(forth: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]) -> Tensor:
        h = torch.tanh(forth(x)) + y
        g = torch.sin(back(h))
        return space.avg(forth(g) * h) + space.avg(back(y) * g * x)

    _, factors = space.backprop(loss(W, W.T))
    assert len(factors) == 4
    assert all(factor.matrix is W for factor in factors)
    gradient = sum(torch.einsum("rka,rkb->rab", factor.left, factor.right) for factor in factors) / W.rows.size
    entries = space.entries(W).requires_grad_()
    (expected,) = torch.autograd.grad(loss(lambda v: v @ entries.mT, lambda v: v @ entries).sum(), entries)
    torch.testing.assert_close(gradient, expected)
