"""The residual net: tied and untied limits differ, each by a closed form where it is linear."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from small_networks import INPUTS, kernels

from widthwise.models import MLP, ResNet
from widthwise.spaces import FiniteSpace, KetSpace

REPLICATES = 32
S = 0.7
"""Variance of the weights times the square of the branch scale."""


def linear(tied: bool, depth: int = 3) -> ResNet:
    return ResNet(depth=depth, activation="identity", weight_variance=S / 0.25, branch_scale=0.5, tied=tied)


def assert_mean_is(values: np.ndarray, limit: np.ndarray, bias: float = 0.0) -> None:
    """5 standard errors of 32 replicates: a false alarm once in 5e4 an entry."""
    error = values.std(0, ddof=1) / REPLICATES**0.5
    assert (np.abs(values.mean(0) - limit) <= 5 * error + bias * np.abs(limit).max() + 1e-6).all()


@pytest.mark.parametrize(("tied", "factor"), [(True, 1 + 4 * S + S**2), (False, (1 + S) ** 2)])
def test_a_linear_net_of_two_blocks(tied: bool, factor: float) -> None:
    """(1 + V)^2 h has mean square 1 + 4 s + s^2 times that of h for one matrix V, (1 + s)^2 for two."""
    first = S / 0.25 * INPUTS @ INPUTS.T / INPUTS.shape[1]
    for space, bias in ((KetSpace(1 << 12, REPLICATES), 0.0), (FiniteSpace(1024, REPLICATES), 0.01)):
        assert_mean_is(kernels(linear(tied), space)["nngp"], factor * first, bias)


def test_tied_and_untied_limits_differ_and_each_is_confirmed_at_a_width() -> None:
    limits: dict[bool, Mapping[str, np.ndarray]] = {}
    for tied in (True, False):
        model = ResNet(depth=4, tied=tied, weight_variance=1.5, bias_variance=0.1)
        limits[tied] = kernels(model, KetSpace(1 << 12, REPLICATES))
        finite = kernels(model, FiniteSpace(1024, REPLICATES))
        for readout, values in finite.items():
            assert_mean_is(values, limits[tied][readout].mean(0), bias=0.01)
    for readout in ("nngp", "ntk"):
        both = [limits[tied][readout] for tied in (True, False)]
        error = sum(values.var(0, ddof=1) / REPLICATES for values in both) ** 0.5
        assert (np.abs(both[0].mean(0) - both[1].mean(0)).diagonal() > 20 * error.diagonal()).all()


def test_a_net_without_blocks_is_a_perceptron() -> None:
    perceptron = MLP(depth=1, weight_variance=1.3, bias_variance=0.2)
    residual = ResNet(depth=1, weight_variance=1.3, bias_variance=0.2)
    for readout, values in kernels(perceptron, FiniteSpace(16, 2)).items():
        np.testing.assert_array_equal(kernels(residual, FiniteSpace(16, 2))[readout], values)


@pytest.mark.parametrize("tied", [True, False])
def test_a_net_is_that_of_plain_torch(tied: bool) -> None:
    space = FiniteSpace(12, 1, dtype=torch.float64, matrix="dense")
    model = ResNet(depth=3, activation="tanh", branch_scale=0.6, bias_variance=0.3, tied=tied)
    states = [state[0] for state in model.states(space, torch.from_numpy(INPUTS))]
    entries = {matrix: space.entries(matrix)[0] for matrix in space.matrices}
    weights = [each for matrix, each in entries.items() if not matrix.is_bias]
    biases = [each[:, 0] for matrix, each in entries.items() if matrix.is_bias]
    h = torch.from_numpy(INPUTS) @ weights[0].T + biases[0]
    for block in range(2):
        torch.testing.assert_close(states[block], h)
        place = 1 if tied else 1 + block
        h = h + 0.6 * (torch.tanh(h) @ weights[place].T + biases[place])
    torch.testing.assert_close(states[2], h)
