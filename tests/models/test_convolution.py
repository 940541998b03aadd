"""Convolutional nets: torch's own convolutions on the same entries, the exact limit, and what convolutions respect."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from positional_networks import (
    INPUTS,
    assert_sampled_limit_is_exact,
    assert_wide_network_is_near_the_limit,
    exact,
    measured,
    tangent_kernel,
)
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.models import MLP, Conv1d, Conv2d, activation
from widthwise.spaces import FiniteSpace, Space, check_program

FIFTY = np.sin(1 + np.arange(50) * np.arange(1, 3)[:, None])

CASES = (
    Conv1d(positions=6, bias_variance=0.2),
    Conv1d(positions=6, padding="circular", stride=2, pooling="flatten", bias_variance=0.3, depth=3),
    Conv1d(positions=4, padding="none", window=2, pooling="flatten", activation="erf"),
    Conv2d(height=3, stride=1, window=2, padding="circular", activation="erf"),
    Conv2d(height=2, channels=3, stride=1, bias_variance=0.1),
    Conv2d(height=4, stride=2, window=2, padding="none", bias_variance=0.1, depth=1),
)


def label(network: Conv1d | Conv2d) -> str:
    return "-".join(str(getattr(network, key)) for key in ("name", "padding", "stride", "window", "pooling"))


def plain(network: Conv1d | Conv2d, inputs: np.ndarray, entries: list[Tensor]) -> list[Tensor]:
    """Preactivations by torch's convolutions, (input, coordinate, position, ...), from entries in program order."""
    k, phi = network.window, activation(network.activation).function
    flat = isinstance(network, Conv1d)
    per_layer = k if flat else k * k
    shape = (network.positions,) if flat else (network.height, -1)
    channels = inputs.shape[1] // network.positions if flat else network.channels
    x = torch.from_numpy(inputs).reshape(len(inputs), *shape, channels).movedim(-1, 1)
    before, after = (0, 0) if network.padding == "none" else ((k - 1) // 2, k - 1 - (k - 1) // 2)
    remaining, hs = iter(entries), []
    for layer in range(network.depth):
        if layer:
            matrices = torch.stack([next(remaining) for _ in range(per_layer)], -1)
            x = phi(hs[-1])
        else:
            patches = next(remaining)
            matrices = patches.reshape(len(patches), per_layer, channels).mT
        bias = next(remaining)[:, 0] if network.bias_variance else None
        weight = matrices.unflatten(-1, (k,) * len(shape))
        padded = F.pad(
            x, (before, after) * len(shape), mode="circular" if network.padding == "circular" else "constant"
        )
        hs.append((F.conv1d if flat else F.conv2d)(padded, weight, bias, network.stride))
    return hs


@pytest.mark.parametrize("padding", ["zeros", "circular", "none"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize("bias_variance", [0.0, 0.5])
def test_states_are_those_of_torch(padding: str, stride: int, window: int, bias_variance: float) -> None:
    depth = 1 if (padding, stride, window) == ("none", 2, 3) else 2
    common = {"padding": padding, "stride": stride, "window": window, "bias_variance": bias_variance, "depth": depth}
    for network in (Conv1d(positions=5, **common), *(Conv2d(height=5, channels=c, **common) for c in (1, 2))):
        space = FiniteSpace(4, dtype=torch.float64, matrix="dense")
        states = network.states(space, torch.from_numpy(FIFTY))
        expected = plain(network, FIFTY, [space.entries(matrix)[0] for matrix in space.matrices])
        for state, h in zip(states, expected, strict=True):
            torch.testing.assert_close(state[0], h.flatten(2).mT, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("network", CASES, ids=label)
@pytest.mark.parametrize("biases", [False, True])
def test_sampled_limit_is_the_exact_one(network: Conv1d | Conv2d, biases: bool) -> None:
    assert_sampled_limit_is_exact(network, biases=biases)


@pytest.mark.parametrize("network", CASES[:3:2], ids=label)
def test_wide_networks_are_near_the_limit(network: Conv1d | Conv2d) -> None:
    assert_wide_network_is_near_the_limit(network, biases=True)


@pytest.mark.parametrize("network", CASES[:2] + CASES[4:5], ids=label)
def test_tangent_kernel_is_that_of_plain_torch(network: Conv1d | Conv2d) -> None:
    def vectors(entries: list[Tensor]) -> Tensor:
        x = activation(network.activation).function(plain(network, INPUTS, entries)[-1].flatten(2))
        return x.mean(2) if network.pooling == "mean" else x.mT

    kernel, expected = tangent_kernel(network, vectors, n=5)
    np.testing.assert_allclose(kernel, expected, rtol=1e-10)


def test_a_basis_that_fills_up_stays_right() -> None:
    """At n = 4 every matrix meets more vectors than it has dimensions: 5 errors of 800 trials against dense ones."""
    network = Conv1d(positions=6, window=2, bias_variance=0.1)
    revealed, dense = (
        measured(network, FiniteSpace(4, 800, seed=seed, matrix=held), biases=True)  # type: ignore[arg-type]
        for seed, held in enumerate(("revealed", "dense"))
    )
    for name in ("nngp", "ntk"):
        for power in (1, 2):
            a, b = (values[name].reshape(800, -1) ** power for values in (revealed, dense))
            error = np.hypot(a.std(0), b.std(0)) / 800**0.5
            assert (np.abs(a.mean(0) - b.mean(0)) < 5 * error).all()


@pytest.mark.parametrize("name", ["relu", "erf", "tanh"])
def test_patches_of_zeros_have_finite_kernels(name: str) -> None:
    """The first input is zero in the reach of two positions, so that without bias their variance is zero."""
    inputs = INPUTS.copy()
    inputs[0, :8] = 0
    for pooling in ("mean", "flatten"):
        network = Conv1d(positions=6, activation=name, pooling=pooling)
        propagation = network.propagation(inputs)
        assert propagation is not None
        assert propagation.covariances()[0][0, 0, 0, 0] == 0
        for kernel in (*propagation.kernels(biases=True), *propagation.gradients()):
            assert np.isfinite(kernel).all()


def test_program_keeps_to_the_language() -> None:
    def program(space: Space) -> dict[str, Tensor]:
        return {"kernel": space.gram(CASES[4](space, torch.from_numpy(INPUTS)))}

    check_program(program)


@settings(max_examples=15, deadline=None)
@given(
    features=st.lists(st.floats(-3, 3), min_size=20, max_size=20),
    padding=st.sampled_from(["zeros", "circular", "none"]),
    stride=st.integers(1, 2),
    window=st.integers(1, 2),
    pooling=st.sampled_from(["mean", "flatten"]),
    name=st.sampled_from(["relu", "erf"]),
)
def test_exact_kernels_are_symmetric_and_positive(
    features: list[float], padding: str, stride: int, window: int, pooling: str, name: str
) -> None:
    inputs = np.array(features).reshape(2, 10)
    network = Conv1d(
        positions=5, padding=padding, stride=stride, window=window, pooling=pooling, activation=name, bias_variance=0.1
    )
    propagation = network.propagation(inputs)
    assert propagation is not None
    positional = [*propagation.covariances(), *propagation.gradients()]
    matrices = [each.reshape(2 * each.shape[1], -1) for each in positional]
    for matrix in (*matrices, *propagation.kernels(biases=True)):
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-15)
        assert np.linalg.eigvalsh(matrix)[0] > -1e-9 * np.trace(matrix)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_around_the_circle_pooled_kernels_ignore_a_shift(shift: int, window: int, biases: bool) -> None:
    network = Conv1d(positions=6, padding="circular", window=window, bias_variance=0.2, depth=3)
    moved = np.roll(INPUTS.reshape(2, 6, 2), shift, axis=1)
    first_only = np.stack([moved[0], INPUTS.reshape(2, 6, 2)[1]]).reshape(2, 12)
    expected = exact(network, biases=biases)
    for inputs in (moved.reshape(2, 12), first_only):
        for name, kernel in exact(network, inputs, biases=biases).items():
            np.testing.assert_allclose(kernel, expected[name], rtol=1e-12)


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
def test_one_position_is_an_mlp(pooling: str) -> None:
    common = {"depth": 3, "activation": "erf", "weight_variance": 1.5, "bias_variance": 0.2}
    mlp = exact(MLP(**common), biases=True)
    for network in (
        Conv1d(positions=1, window=1, pooling=pooling, **common),
        Conv2d(height=1, channels=12, window=1, pooling=pooling, **common),
    ):
        for name, kernel in exact(network, biases=True).items():
            np.testing.assert_allclose(kernel, mlp[name], rtol=1e-13)


def test_a_row_of_pixels_is_a_line() -> None:
    """Images of height 1, with windows of three rows of which two are padding: one third of the variance."""
    line = Conv1d(positions=6, weight_variance=1.0, bias_variance=0.3)
    row = Conv2d(height=1, channels=2, stride=1, weight_variance=3.0, bias_variance=0.3)
    for name, kernel in exact(row, biases=True).items():
        np.testing.assert_allclose(kernel, exact(line, biases=True)[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Conv1d(positions=5), r"model\.positions: 5 does not divide the 12 features"),
        (Conv2d(height=5), r"model\.height: 5 does not divide the 12 features"),
        (Conv2d(height=3, channels=3), r"model\.channels: 3 does not divide the 4 features of a row.*divisor"),
        (Conv1d(positions=4, padding="none", depth=3, window=2, stride=2), r"window: 2 .* the 1 positions .* layer 3"),
        (Conv2d(height=2, padding="none"), r"model\.window: 3 does not fit into the 2 positions that layer 1 reads"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(network: Conv1d | Conv2d, words: str) -> None:
    for refused in (network.propagation, lambda inputs: network(FiniteSpace(4), torch.from_numpy(inputs))):
        with pytest.raises(SpecError, match=words) as refusal:
            refused(INPUTS)
        assert "\n" not in str(refusal.value)
