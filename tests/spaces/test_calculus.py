"""Hats and dots by their definition, apart and together, and what the estimator needs of a program."""

from collections.abc import Callable, Mapping

import pytest
import torch
from language_programs import PROGRAMS
from spread import assert_mean_is, assert_means_agree
from torch import Tensor
from torch.autograd import forward_ad

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, KetSpace, Matrix, Space
from widthwise.spaces.calculus import DerivativeProduct, Hats


def by_definition(samples: int = 1 << 13, **how: object) -> KetSpace:
    return KetSpace(samples, 32, estimator="derivative", **how)  # type: ignore[arg-type]


def between(space: Space) -> Matrix:
    return space.matrix(space.dim("rows", 2.0), space.dim("columns", 0.5), variance=1.3)


def test_hat_and_dot_add_up() -> None:
    """Exactly, for direct and transposed products, of several axes, in classes of different widths."""
    space = by_definition(256)
    W = between(space)
    x = space.vectors(4, W.columns)
    y = torch.tanh(W(x) + space.vectors(4, W.rows))
    z = torch.sin(W.T(y).unflatten(1, (2, 2))) * x.unflatten(1, (2, 2))
    for matrix, v in ((W.T, y), (W, z)):
        uses = len(W.uses)
        hat, dot = matrix.hat(v), matrix.dot(v)
        assert len(W.uses) == uses
        torch.testing.assert_close(hat + dot, matrix(v), rtol=0, atol=1e-4)
        assert hat.shape == dot.shape == matrix(v).shape
        assert dot.abs().mean() > 0.01


def test_a_dot_needs_an_earlier_use_of_the_transpose() -> None:
    space = by_definition(256)
    W = space.matrix()
    x = space.vectors(2)
    assert (W.dot(torch.tanh(W(x))) == 0).all()
    assert (W.T.dot(x) == 0).all()
    assert (W.T.dot(W(x)) != 0).any()


def test_hats_have_the_covariance_of_what_they_come_from() -> None:
    """Cov(hat Wx, hat Wx') = s E x x', for the transpose times rows per column; W and W^T count as unlike.

    20 numbers within 5 standard errors of 32 replicates: a false alarm once in 2000 seeds.
    """
    space = by_definition()
    W, U = between(space), between(space)
    x = torch.tanh(space.vectors(2, W.columns))
    hat = W.hat(W.T(torch.sin(W(x))) + x)
    both = torch.cat([W.hat(x), hat], 1)
    arguments = torch.cat([x, W.T(torch.sin(W(x))) + x], 1)
    assert_means_agree(space.gram(both), 1.3 * space.gram(arguments))
    y = torch.tanh(space.vectors(2, W.rows))
    assert_means_agree(space.gram(W.T.hat(y)), 1.3 * 4 * space.gram(y))
    assert_mean_is(space.gram(W.hat(x), U.hat(x)), 0.0)
    square = space.matrix()
    v = torch.relu(space.vector())
    assert_mean_is(space.gram(square.hat(v), square.T.hat(v)), 0.0)
    assert_mean_is(space.avg(W.hat(x) ** 4) / space.avg(W.hat(x) ** 2) ** 2, 3.0)


def test_a_dot_is_its_formula() -> None:
    """dot(W tanh(W^T y + z)) = s E[1 / cosh^2] y: 5 standard errors of 32 replicates, once in 5e4 seeds."""
    space = by_definition()
    W = between(space)
    y, z = space.vector(W.rows), space.vector(W.columns)
    x = torch.tanh(W.T(y) + z)
    slopes = space.gram(W.dot(x), y) / space.gram(y)
    assert_means_agree(slopes, 1.3 * space.avg(1 - x**2)[..., None].double())


@pytest.mark.parametrize("readout", ["signal and input", "signals", "gradient"])
def test_without_signs_averages_leak_into_dots(readout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layer norm: the derivative through a mean and a variance is of order 1 / n a coordinate, but adds up over all.

    With signs within 5 standard errors (once in 2e3 seeds), without them more than 20 away.
    """
    right = PROGRAMS["layer_norm"](KetSpace(1 << 12, 32))[readout].detach()
    assert_means_agree(PROGRAMS["layer_norm"](by_definition(1 << 12))[readout], right)
    monkeypatch.setattr(Hats, "signs", property(lambda hats: torch.ones(())))
    wrong = PROGRAMS["layer_norm"](by_definition(1 << 12))[readout].detach()
    error = torch.hypot(wrong.std(0), right.std(0)) / 32**0.5
    assert ((wrong.mean(0) - right.mean(0)).abs() > 20 * error).diagonal().all()


@pytest.mark.parametrize("name", ["semicircle", "gradient_independence"])
def test_without_dots_the_limit_is_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = PROGRAMS[name](by_definition(1 << 10))
    monkeypatch.setattr(DerivativeProduct, "_dot", lambda product, x, transposed: x.new_zeros(()))
    wrong = PROGRAMS[name](by_definition(1 << 10))
    assert any((wrong[readout] - right[readout]).mean(0).abs().max() > 0.5 for readout in right)


def test_no_grad_is_refused_where_a_dot_is_needed() -> None:
    space = by_definition(64)
    W = space.matrix()
    with torch.no_grad():
        h = W(space.vector())
        assert torch.isfinite(W(h)).all()
        with pytest.raises(ProgramError, match=r"a dot needs derivatives; take torch\.no_grad out"):
            W.T(torch.tanh(h))


def test_gradients_without_a_graph_are_refused_where_a_dot_is_needed() -> None:
    space = by_definition(64)
    z = space.vector().requires_grad_()
    f = space.avg(space.matrix()(z) ** 2).sum()
    with pytest.raises(ProgramError, match="a dot needs derivatives"):
        torch.autograd.grad(f, z, retain_graph=True)
    assert torch.isfinite(torch.autograd.grad(f, z, create_graph=True)[0]).all()


OTHERS: Mapping[str, Callable[[], Space]] = {
    "finite": lambda: FiniteSpace(16),
    "rqmc": lambda: KetSpace(16),
    "mc": lambda: KetSpace(16, estimator="mc"),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_hat_and_dot_are_apart_nowhere_else(make: Callable[[], Space]) -> None:
    space = make()
    for part in (space.matrix().hat, space.matrix().T.dot):
        with pytest.raises(ProgramError, match=r"estimator='derivative'"):
            part(space.vector())


def test_hat_takes_vectors_that_fit() -> None:
    with pytest.raises(ProgramError, match="last axis has 15 coordinates, the matrix takes 64"):
        by_definition(64).matrix().hat(torch.zeros(32, 1, 15))


def test_a_tangent_is_a_product_like_any_other() -> None:
    space = by_definition(256)
    W, x, v = space.matrix(), space.vectors(2), space.vectors(2)
    y = torch.tanh(W.T(x))
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(torch.tanh(W(forward_ad.make_dual(y, v * y)))).tangent
    torch.testing.assert_close(tangent, (1 - torch.tanh(W(y)) ** 2) * W(v * y), rtol=0, atol=1e-4)


def test_the_dot_is_linear_in_the_slopes_of_each_use() -> None:
    """Two uses of the transpose, one of which does not matter: its vector does not enter."""
    space = by_definition()
    W = space.matrix()
    y, other = space.vector(), space.vector()
    h, unused = W.T(y), W.T(other)
    dot = W.dot(h**3 + 0 * unused)
    assert_mean_is(space.gram(dot, y)[:, 0, 0] / 3 / space.avg(h.square())[:, 0], 1.0)
    assert_mean_is(space.gram(dot, other), 0.0)


def test_a_space_that_is_gone_is_said_to_be() -> None:
    def scalar() -> tuple[Tensor, Tensor]:
        space = by_definition(64)
        z = space.vector().requires_grad_()
        return space.avg(space.matrix()(z) ** 2).sum(), z

    f, z = scalar()
    with pytest.raises(ProgramError, match="the space is gone"):
        torch.autograd.grad(f, z, create_graph=True)
