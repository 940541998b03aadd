"""The Jacobian of a program as an operator: both ways against its matrix, in every reading, again and again."""

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping

import pytest
import torch
from spread import assert_means_agree
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, Jacobian, KetSpace, Space, jacobian, lanczos

Ends = Callable[[Space], tuple[Tensor, Tensor, float]]
"""A program's first and last vector, and the width of the second over that of the first."""


def tied(space: Space) -> tuple[Tensor, Tensor, float]:
    """One matrix three times, its transpose, and skips; two vectors at once."""
    W, x = space.matrix(variance=1.3), space.vectors(2).clone().requires_grad_()
    y = x
    for _ in range(3):
        y = y + 0.4 * W(torch.tanh(y))
    return torch.tanh(W.T(torch.sin(y))) * x, x, 1.0


def rectangular(space: Space) -> tuple[Tensor, Tensor, float]:
    """Classes of ratios 2, 1/2 and 3 with a transpose between, and averages on the way."""
    a, b, c = space.dim("a", 2.0), space.dim("b", 0.5), space.dim("c", 3.0)
    x = space.vectors(1, a).clone().requires_grad_()
    h = torch.tanh(space.matrix(a, b, variance=0.7).T(x))
    h = h - space.avg(h * h)[..., None]
    return torch.sin(space.matrix(c, b, variance=1.5)(h)), x, 1.5


def mixed_inputs(space: Space) -> tuple[Tensor, Tensor, float]:
    """Every output depends on every input: three positions to two, over all of which J is one operator."""
    W, x = space.matrix(), space.vectors(3).clone().requires_grad_()
    h = torch.tanh(W(x))
    return torch.tanh(W(torch.stack([h[:, 0] * h[:, 1], h[:, 1] + h[:, 2]], 1))), x, 1.0


PROGRAMS: Mapping[str, Ends] = {each.__name__: each for each in (tied, rectangular, mixed_inputs)}


def dense(y: Tensor, x: Tensor) -> Tensor:
    """The matrix, (replicate, row, column), one row after the other."""
    rows = [torch.autograd.grad(row.sum(), x, retain_graph=True)[0] for row in y.flatten(1).unbind(1)]
    return torch.stack(rows, 1).flatten(2)


@pytest.mark.parametrize("held", ["revealed", "dense", "tiled"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_products_are_those_of_the_matrix(name: str, held: str) -> None:
    """In any order, any number of times; the stretch is nobody's business at finite width."""
    space = FiniteSpace(6, 2, dtype=torch.float64, matrix=held)  # type: ignore[arg-type]
    y, x, stretch = PROGRAMS[name](space)
    J, matrix = jacobian(space, y, x, stretch=stretch), dense(y, x)
    for _ in range(2):
        v, u = torch.randn_like(x), torch.randn_like(y)
        forth, back = J(v), J.T(u)
        assert not forth.requires_grad
        assert not back.requires_grad
        torch.testing.assert_close(forth.flatten(1), torch.einsum("rab,rb->ra", matrix, v.flatten(1)))
        torch.testing.assert_close(back.flatten(1), torch.einsum("rab,ra->rb", matrix, u.flatten(1)))


def test_a_jacobian_changes_no_law() -> None:
    """At width 4, where bases fill up: coefficients through revealed matrices are those through dense ones.

    3 means of 500 trials within 5 standard errors: a false alarm once in 3e5 seeds.
    """
    moments = []
    for seed, held in enumerate(("revealed", "dense")):
        space = FiniteSpace(4, 500, seed=seed, dtype=torch.float64, matrix=held)  # type: ignore[arg-type]
        y, x, _ = rectangular(space)
        alpha, beta = lanczos(jacobian(space, y, x), torch.ones_like(x), 2)
        moments.append(torch.stack([alpha[:, 0], alpha[:, 1], beta[:, 0]], 1))
    assert_means_agree(*moments)


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_kets_have_the_moments_of_wide_networks(name: str, estimator: str) -> None:
    """avg(v J^T J v) and avg((J^T J v)^2), the width's own bias below the error: 5 standard errors, once in 5e5."""

    def moments(space: Space) -> Tensor:
        y, x, stretch = PROGRAMS[name](space)
        J = jacobian(space, y, x, stretch=stretch)
        v = (torch.zeros_like(x) + space.vectors(1, space.dim("a", 2.0) if name == "rectangular" else None)).detach()
        image = J.T(J(v))
        return torch.stack([(v * image).flatten(1).mean(1), (image * image).flatten(1).mean(1)], 1)

    kets, networks = KetSpace(1 << 11, 32, estimator=estimator), FiniteSpace(256, 48, seed=1)  # type: ignore[arg-type]
    assert_means_agree(moments(kets), moments(networks))


def test_the_transpose_is_the_adjoint_of_the_network() -> None:
    """Of kets too: widths, not numbers of samples, are the weights of an inner product."""
    space = KetSpace(1 << 9, 3, dtype=torch.float64)
    y, x, stretch = rectangular(space)
    J, v, u = jacobian(space, y, x, stretch=stretch), torch.randn_like(x), torch.randn_like(y)
    left, right = ((a * b).flatten(1).mean(1) for a, b in ((u, J(v)), (J.T(u), v)))
    torch.testing.assert_close(left * stretch, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("space", [FiniteSpace(5, 2), KetSpace(8, 2)])
def test_of_a_step_it_is_0_and_of_the_vector_itself_1(space: Space) -> None:
    W, x = space.matrix(), space.vector().clone().requires_grad_()
    step = jacobian(space, W(torch.relu(torch.sign(W(x)))), x)
    assert not step(torch.ones_like(x)).any()
    assert not step.T(torch.ones_like(x)).any()
    same = jacobian(space, x, x)
    torch.testing.assert_close(same(torch.ones_like(x)), torch.ones_like(x))
    torch.testing.assert_close(same.T(torch.ones_like(x)), torch.ones_like(x))


@pytest.mark.parametrize("which", ["x", "y"])
def test_vectors_without_a_gradient_are_refused(which: str) -> None:
    space = FiniteSpace(5)
    x = space.vector().requires_grad_(which == "y")
    with pytest.raises(ProgramError, match=r"^jacobian: x and y must .* require a gradient"):
        jacobian(space, space.vector() if which == "y" else space.matrix()(x), x)


@pytest.fixture
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_uncollected")
@pytest.mark.parametrize("reading", ["finite", "rqmc", "mc", "derivative"])
def test_a_jacobian_dies_with_its_last_product(reading: str) -> None:
    """What holds a graph is let go without waiting for circles of references to be collected."""
    space = FiniteSpace(16, 2) if reading == "finite" else KetSpace(16, 2, estimator=reading)  # type: ignore[arg-type]
    y, x, _ = tied(space)
    J: Jacobian = jacobian(space, y, x)
    image = J.T(J(torch.ones_like(x)))
    held = [weakref.ref(each) for each in (x, y, image)]
    del space, y, x, J, image
    assert [each() for each in held] == [None] * 3
