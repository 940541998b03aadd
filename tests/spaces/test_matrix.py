"""MatMul under automatic differentiation: reverse, forward and twice, against a dense matrix in plain torch."""

import math
from collections.abc import Callable

import pytest
import torch
from spread import assert_mean_is, assert_means_agree
from torch.autograd import forward_ad

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, KetSpace, Space


@pytest.fixture(params=["revealed", "dense", "tiled"])
def space(request: pytest.FixtureRequest) -> Space:
    return FiniteSpace(12, 2, dtype=torch.float64, matrix=request.param)


def test_gradient_is_the_transpose(space: Space) -> None:
    W, x = space.matrix(), space.vectors(3).requires_grad_()
    (gradient,) = torch.autograd.grad(torch.sin(W(x)).sum(), x)
    M = space.entries(W)
    torch.testing.assert_close(gradient, torch.cos(x @ M.mT) @ M)


def test_forward_mode_is_the_matrix(space: Space) -> None:
    W, x, v = space.matrix(), space.vectors(2), space.vectors(2)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(torch.tanh(W(forward_ad.make_dual(x, v)))).tangent
    _, functional = torch.func.jvp(lambda z: torch.tanh(W(z)), (x,), (v,))
    M = space.entries(W)
    expected = (1 - torch.tanh(x @ M.mT) ** 2) * (v @ M.mT)
    torch.testing.assert_close(tangent, expected)
    torch.testing.assert_close(functional, expected)
    _, factors = space.backprop(space.avg(W(x) * v))
    assert len(factors) == 1


def test_second_derivatives(space: Space) -> None:
    W, x = space.matrix(), space.vector().requires_grad_()
    (first,) = torch.autograd.grad((W(x) ** 3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    M = space.entries(W)
    torch.testing.assert_close(second, (6 * (x @ M.mT) * M.sum(-1)[:, None]) @ M)


def test_shapes_with_further_axes(space: Space) -> None:
    W, x = space.matrix(), space.vectors(6)
    torch.testing.assert_close(W(x.reshape(2, 3, 2, 12)).reshape(2, 6, 12), W(x))
    torch.testing.assert_close(W(x[:, 0]), W(x)[:, 0])
    U = space.matrix(features=5, held="auto")
    assert U(space.constant(torch.ones(4, 5))).shape == (2, 4, 12)
    assert U.T(x).shape == (2, 6, 5)


def test_wrong_length_is_one_clear_line(space: Space) -> None:
    with pytest.raises(ProgramError, match="last axis has 5 coordinates, the matrix takes 12"):
        space.matrix()(torch.zeros(2, 3, 5, dtype=torch.float64))


@pytest.mark.parametrize(
    "make", [lambda: FiniteSpace(50, 2, dtype=torch.float64), lambda: KetSpace(512, 2, dtype=torch.float64)]
)
def test_backprop_gives_error_signals_and_factors(make: Callable[[], Space]) -> None:
    """The factors' outer products add up to the gradient, at width n and for kets, tied and transposed uses too."""
    space = make()
    n = space.coordinates
    W, z, v = space.matrix(), space.vector().requires_grad_(), space.vector()
    f = space.avg(v * torch.tanh(W(torch.tanh(W(z)))) + W.T(v) * z)
    (signal,), factors = space.backprop(f, z)
    assert [factor.matrix for factor in factors] == [W, W, W]
    # dL/dt for W -> (1 + t) W is avg-product of every factor with what the matrix makes of it.
    along_t = sum(space.avg(factor.left * W(factor.right)) for factor in factors).detach()
    h1 = W(z.detach())
    t = torch.ones((), dtype=torch.float64, requires_grad=True)
    again = space.avg(v * torch.tanh(t * W(torch.tanh(t * h1))) + t * W.T(v) * z.detach())
    expected = torch.autograd.grad(again.sum(), t)[0]
    torch.testing.assert_close(along_t.sum(), expected)
    step = 1e-6
    moved = z.detach() + step * v
    changed = space.avg(v * torch.tanh(W(torch.tanh(W(moved)))) + W.T(v) * moved)
    torch.testing.assert_close((changed - f).detach() / step, space.avg(signal * v), rtol=1e-4, atol=1e-4)
    assert signal.shape == (2, 1, n)


def test_backprop_names_a_vector_without_influence() -> None:
    space = FiniteSpace(8, 1)
    z, u = space.vector().requires_grad_(), space.vector().requires_grad_()
    with pytest.raises(ProgramError, match="does not influence"):
        space.backprop(space.avg(z * z), u)


def test_a_diverged_input_gives_nan_for_itself_alone() -> None:
    space = FiniteSpace(30, 2)
    W, x = space.matrix(), space.vectors(3)
    x[0, 1] = float("inf")
    y = W(x)
    assert y[0, 1].isnan().all()
    assert y[0, [0, 2]].isfinite().all()
    assert y[1].isfinite().all()
    assert W(space.vectors(2)).isfinite().all()


def test_a_constant_without_replicates_is_one_clear_line(space: Space) -> None:
    with pytest.raises(ProgramError, match=r"first axis has 1 entries, the space 2 replicates.*space\.constant"):
        space.matrix()(torch.zeros(1, 3, 12, dtype=torch.float64))


def test_entries_are_the_matrix_and_there_are_none_in_the_limit(space: Space) -> None:
    W, x = space.matrix(space.dim("rows", 0.5)), space.vectors(3)
    torch.testing.assert_close(W(x), x @ space.entries(W).mT)
    assert space.entries(W).shape == (2, 6, 12)
    kets = KetSpace(12)
    with pytest.raises(ProgramError, match="entries: a matrix has none in the limit"):
        kets.entries(kets.matrix())


@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
def test_derivatives_by_features_are_those_of_a_wide_network(law: str) -> None:
    """d/dc avg(U c sin(U c)) in classes of ratios 1/2 and 2, whose samples stand for other numbers of coordinates.

    For Gaussian features 2 c / 3 (1 - v / 2) exp(-v / 2), v = c^2 / 3. 5 standard errors: once in 2e3 seeds.
    """
    features = torch.tensor([[1.0, -0.5, 2.0]])
    variance = float((features**2).sum() / 3)
    for ratio in (0.5, 2.0):
        gradients = []
        for space in (FiniteSpace(2000, 32), KetSpace(1 << 12, 32), KetSpace(1 << 12, 32, estimator="derivative")):
            c = space.constant(features).clone().requires_grad_()
            x = space.matrix(space.dim("a", ratio), features=3, law=law)(c)
            gradients.append(space.derivative(space.avg(x * torch.sin(x)), c))
        for gradient in gradients:
            assert_means_agree(gradient, gradients[1])
            if law == "gaussian":
                assert_mean_is(gradient, 2 * features / 3 * (1 - variance / 2) * math.exp(-variance / 2))
