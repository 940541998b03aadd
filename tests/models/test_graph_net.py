"""Graph convolutional nets: A X W with A built otherwise, the exact limit, and the symmetries of a graph."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from positional_networks import (
    INPUTS,
    assert_sampled_limit_is_exact,
    assert_wide_network_is_near_the_limit,
    exact,
    tangent_kernel,
)
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.models import MLP, Conv1d, GraphNet, activation
from widthwise.spaces import FiniteSpace, Space, check_program

STAR = GraphNet(nodes=4, edges=((0, 1), (0, 2), (3, 0)), bias_variance=0.2, pooling="flatten")
PATH = GraphNet(nodes=6, edges=((0, 1), (1, 2), (2, 3), (3, 4), (1, 0)), activation="erf", depth=3)
CYCLE = GraphNet(nodes=4, bias_variance=0.1, activation="tanh")
CASES = {"star": STAR, "path with an outsider": PATH, "cycle": CYCLE}


def neighbourhood(nodes: int, edges: tuple[tuple[int, int], ...]) -> Tensor:
    """A, entry by entry: 1 / sqrt of the sizes of both neighbourhoods where one node is in the other's."""
    near = [{p} | {b if a == p else a for a, b in edges if p in (a, b)} for p in range(nodes)]
    rows = [
        [(len(near[p]) * len(near[q])) ** -0.5 if q in near[p] else 0.0 for q in range(nodes)] for p in range(nodes)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def plain(network: GraphNet, entries: list[Tensor]) -> Tensor:
    """phi(h^L), (input, node, coordinate), as the products A X W^T."""
    cycle = tuple((p, (p + 1) % network.nodes) for p in range(network.nodes))
    shares = neighbourhood(network.nodes, network.edges or cycle)
    x, remaining = torch.from_numpy(INPUTS).reshape(len(INPUTS), network.nodes, -1), iter(entries)
    for _ in range(network.depth):
        h = shares @ (x @ next(remaining).mT)
        if network.bias_variance:
            h = h + next(remaining)[:, 0]
        x = activation(network.activation).function(h)
    return x


@pytest.mark.parametrize("name", CASES)
def test_readout_is_that_of_matrix_products(name: str) -> None:
    network, space = CASES[name], FiniteSpace(7, dtype=torch.float64, matrix="dense")
    x = network(space, torch.from_numpy(INPUTS))[0]
    expected = plain(network, [space.entries(matrix)[0] for matrix in space.matrices])
    pooled = expected.mean(1) if network.pooling == "mean" else expected
    torch.testing.assert_close(x, pooled, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("biases", [False, True])
def test_sampled_limit_is_the_exact_one(name: str, biases: bool) -> None:
    assert_sampled_limit_is_exact(CASES[name], biases=biases)


@pytest.mark.parametrize("name", ["star", "cycle"])
def test_wide_networks_are_near_the_limit(name: str) -> None:
    assert_wide_network_is_near_the_limit(CASES[name], biases=True)


@pytest.mark.parametrize("name", CASES)
def test_tangent_kernel_is_that_of_plain_torch(name: str) -> None:
    network = CASES[name]

    def vectors(entries: list[Tensor]) -> Tensor:
        x = plain(network, entries)
        return x.mean(1) if network.pooling == "mean" else x

    kernel, expected = tangent_kernel(network, vectors, n=6)
    np.testing.assert_allclose(kernel, expected, rtol=1e-10)


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
def test_the_cycle_is_a_convolution_that_shares_its_matrix(pooling: str) -> None:
    """On a cycle every entry of A is 1/3: for one layer the covariance is that of means over three neighbours."""
    inputs = INPUTS.reshape(2, 6, 2)
    means = (inputs + np.roll(inputs, 1, axis=1) + np.roll(inputs, -1, axis=1)) / 3
    one_layer = GraphNet(nodes=6, depth=1, pooling=pooling)
    smoothed = Conv1d(positions=6, depth=1, window=1, pooling=pooling)
    for name, kernel in exact(one_layer).items():
        np.testing.assert_allclose(kernel, exact(smoothed, means.reshape(2, 12))[name], rtol=1e-12)


def test_two_nodes_that_share_all_are_an_mlp_of_their_mean() -> None:
    inputs = INPUTS.reshape(2, 2, 6)
    mlp = exact(MLP(depth=2, activation="relu", weight_variance=2.0, bias_variance=0.3), inputs.mean(1), biases=True)
    for name, kernel in exact(GraphNet(nodes=2, bias_variance=0.3), biases=True).items():
        np.testing.assert_allclose(kernel, mlp[name], rtol=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(6)), st.sampled_from(["mean", "flatten"]))
def test_kernels_ignore_the_names_of_the_nodes(names: list[int], pooling: str) -> None:
    network = PATH.model_copy(update={"pooling": pooling})
    renamed = network.model_copy(update={"edges": tuple((names[a], names[b]) for a, b in network.edges)})
    moved = np.empty((2, 6, 2))
    moved[:, names] = INPUTS.reshape(2, 6, 2)
    expected = exact(network)
    for name, kernel in exact(renamed, moved.reshape(2, 12)).items():
        np.testing.assert_allclose(kernel, expected[name], rtol=1e-12)


def test_program_keeps_to_the_language() -> None:
    def program(space: Space) -> dict[str, Tensor]:
        return {"kernel": space.gram(CYCLE(space, torch.from_numpy(INPUTS)))}

    check_program(program)


def test_nodes_that_do_not_divide_the_features_are_refused() -> None:
    with pytest.raises(SpecError, match=r"model\.nodes: 5 does not divide the 12 features of an input; .* 4"):
        GraphNet(nodes=5).propagation(INPUTS)
