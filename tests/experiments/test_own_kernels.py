"""``widthwise.kernels``: both kernels of any network that a user writes."""

import pytest
import torch
from torch import Tensor

import widthwise
from widthwise.experiments.options import NTK
from widthwise.experiments.registry import build
from widthwise.models import MLP
from widthwise.spaces import FiniteSpace, Space

INPUTS = torch.tensor([[1.0, 0.5], [-0.3, 2.0], [0.7, 0.1]], dtype=torch.float64)


def perceptron(space: Space, *, variance: float = 1.5) -> Tensor:
    h = space.bias(0.1)(space.matrix(features=2, variance=variance)(space.constant(INPUTS)))
    return torch.tanh(space.bias(0.1)(space.matrix(variance=variance)(torch.tanh(h))))


@pytest.mark.parametrize("biases", [False, True])
def test_they_are_those_of_the_architecture(biases: bool) -> None:
    model = MLP(depth=2, activation="tanh", weight_variance=1.5, bias_variance=0.1)
    expected = build("ntk", {"model": model, "options": NTK(biases=biases)}, INPUTS.numpy()).measure(FiniteSpace(32, 2))
    space = FiniteSpace(32, 2)
    for own, known in zip(widthwise.kernels(space, perceptron(space), biases=biases), expected.values(), strict=True):
        torch.testing.assert_close(own, known)


def test_output_weights_at_every_position_are_those_of_a_sum() -> None:
    """F = (v_0 x_0 + v_1 x_1) / sqrt 2: kernels of two readouts, whose mean they are if both are one vector."""
    space, again = FiniteSpace(32, 2), FiniteSpace(32, 2)
    x = perceptron(space)
    nngp, _ = widthwise.kernels(space, torch.stack([x, x], 2))
    torch.testing.assert_close(nngp, widthwise.kernels(again, perceptron(again))[0])


def test_vectors_that_inputs_share_are_refused_until_each_has_its_own() -> None:
    def network(space: Space, *, expanded: bool) -> Tensor:
        e = space.vector()
        shared = e.expand(-1, 3, -1) if expanded else e
        return torch.tanh(space.matrix(features=2)(space.constant(INPUTS)) + space.matrix()(shared))

    space = FiniteSpace(16, 2)
    with pytest.raises(
        widthwise.ProgramError, match=r"^kernels: a matrix is applied to 1 vector\(s\) .* 3 inputs; expand"
    ):
        widthwise.kernels(space, network(space, expanded=False))
    space = FiniteSpace(16, 2, dtype=torch.float64)
    nngp, ntk = widthwise.kernels(space, network(space, expanded=True))
    assert (torch.linalg.eigvalsh(ntk - nngp) > -1e-12).all()
