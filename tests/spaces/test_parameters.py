"""Parameters: biases are weights of a constant feature, and a space hands its laws to programs that name none."""

import pytest
import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, KetSpace, Space


def spaces() -> list[Space]:
    return [FiniteSpace(40, 2, dtype=torch.float64), KetSpace(64, 2, dtype=torch.float64)]


@pytest.mark.parametrize("space", spaces(), ids=["finite", "limit"])
def test_a_bias_adds_one_vector_to_all_inputs_and_positions(space: Space) -> None:
    add, x = space.bias(0.25), space.vectors(6).reshape(2, 2, 3, -1)
    added = add(x) - x
    torch.testing.assert_close(added, added[:, :1, :1].expand_as(added))
    torch.testing.assert_close(add(torch.zeros_like(x)), added)


def test_a_bias_has_the_variance_asked_for_in_every_class() -> None:
    """2e5 numbers: a standard error of 0.3 %, five of them."""
    space = FiniteSpace(10_000, 10)
    wide = space.dim("wide", 2.0)
    for rows in (None, wide):
        size = 20_000 if rows else 10_000
        drawn = space.bias(0.25, rows)(torch.zeros(10, 1, size)).detach()
        assert float(drawn.var()) == pytest.approx(0.25, rel=0.0175)


def test_the_gradient_of_a_bias_has_factors_for_each_input() -> None:
    """df_i/db is that of plain autograd: the error signals are left, and right is the constant 1."""
    space = FiniteSpace(12, 1, dtype=torch.float64)
    x, v, add = space.vectors(3), space.vector(), space.bias(0.25)
    f = space.avg(v * torch.tanh(add(x)))
    _, (factor,) = space.backprop(f)
    assert factor.matrix.is_bias
    assert factor.matrix.kind == "vector"
    assert bool((factor.right == 1).all())
    b = (add(torch.zeros_like(x))[0, 0]).detach().requires_grad_()
    for i in range(3):
        (gradient,) = torch.autograd.grad((v[0, 0] * torch.tanh(x[0, i] + b)).mean(), b)
        torch.testing.assert_close(factor.left[0, i], 12 * gradient)


def test_matrices_know_what_kind_of_parameter_they_are() -> None:
    space = FiniteSpace(8)
    assert (space.matrix().kind, space.matrix(features=3).kind) == ("matrix", "vector")
    assert not space.matrix(features=1).is_bias


def entries(space: Space) -> tuple[Tensor, Tensor, Tensor]:
    """Of a matrix, of one of features, and of a bias and a vector together, whose laws the program leaves open."""
    wide, x = space.matrix(), space.matrix(features=4)
    vectors = torch.cat([space.bias(1.0)(torch.zeros(1, 1, 64)), space.vector()])
    return space.entries(wide) * 8, space.entries(x) * 2, vectors


def test_a_program_that_names_no_law_takes_those_of_the_space() -> None:
    space = FiniteSpace(64).with_laws(matrices="rademacher", vectors="uniform")
    matrix, features, vectors = (each.detach() for each in entries(space))
    assert set(matrix.flatten().tolist()) == {-1.0, 1.0}
    for each in (features, vectors):
        assert 1.2 < float(each.abs().max()) <= 3**0.5 + 1e-6
    gaussian = FiniteSpace(64).with_laws(matrices="rademacher").vector()
    torch.testing.assert_close(gaussian, FiniteSpace(64).vector())


def test_a_law_that_is_named_comes_before_that_of_the_space() -> None:
    space = FiniteSpace(64).with_laws(matrices="rademacher", vectors="rademacher")
    assert space.matrix(law="uniform").law.name == "uniform"
    assert float(space.vector(law="gaussian").abs().std()) > 0.1


def test_a_space_with_laws_is_the_same_space() -> None:
    """Its matrices are seen by backpropagation, and its numbers go on where those of the other end."""
    space = FiniteSpace(16)
    view = space.with_laws(vectors="laplace")
    first = space.vector()
    assert view.matrix() in space.matrices
    assert not torch.equal(view.vector(law="gaussian"), first)


def test_a_law_of_matrices_is_none_of_vectors() -> None:
    with pytest.raises(ProgramError, match="orthogonal"):
        FiniteSpace(16).with_laws(vectors="orthogonal").vector()
