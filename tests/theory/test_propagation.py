"""The recursion over states and positions: covariances and error signals against sampled kets, and as derivatives."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from widthwise.experiments.kernels import output
from widthwise.models import MLP, Architecture, Conv1d, GraphNet, ResNet
from widthwise.spaces import KetSpace
from widthwise.theory import Propagation

INPUTS = np.cos(1 + np.arange(8) * np.arange(1, 4)[:, None])[:2]
NETWORKS: Mapping[str, Architecture] = {
    "mlp": MLP(depth=3, weight_variance=1.7, bias_variance=0.2),
    "mlp of several widths": MLP(depth=3, bias_variance=0.2, ratios=(0.5, 2.0)),
    "relu mlp": MLP(depth=2, activation="relu", weight_variance=2.0),
    "resnet": ResNet(depth=4, weight_variance=1.2, bias_variance=0.3, branch_scale=0.7),
    "pooled convolution": Conv1d(positions=4, activation="erf", bias_variance=0.1, depth=3),
    "flattened convolution": Conv1d(positions=4, pooling="flatten", stride=2, padding="circular", bias_variance=0.1),
    "graph": GraphNet(nodes=4, edges=((0, 1), (1, 2)), activation="tanh", bias_variance=0.1),
}

every_network = pytest.mark.parametrize("name", NETWORKS)


def exact(name: str) -> Propagation:
    propagation = NETWORKS[name].propagation(INPUTS)
    assert propagation is not None
    return propagation


def derivatives(propagation: Propagation) -> list[np.ndarray]:
    """Error signals of one width n, whatever the widths of the states."""
    return [each / state.ratio for state, each in zip(propagation.states, propagation.gradients(), strict=True)]


@every_network
def test_covariances_and_error_signals_are_those_of_sampled_kets(name: str) -> None:
    """6 standard errors of 8 replicates (t with 7 degrees of freedom: 5e-4 an entry), and 3% of the largest entry."""
    network, propagation = NETWORKS[name], exact(name)
    space = KetSpace(1 << 12, 8, dtype=torch.float64)
    states = network.states(space, torch.from_numpy(INPUTS))
    signals, _ = space.backprop(output(space, network.readout(states[-1])), *states)
    for vectors, limits in ((states, propagation.covariances()), (signals, propagation.gradients())):
        for vector, limit in zip(vectors, limits, strict=True):
            flat = vector.detach().reshape(8, -1, vector.shape[-1])
            values = space.gram(flat).numpy().reshape(8, *limit.shape)
            distance = np.abs(values.mean(0) - limit)
            assert (distance <= 6 * values.std(0, ddof=1) / 8**0.5 + 1e-12).all()
            assert (distance <= 0.03 * np.abs(limit).max()).all()


@every_network
def test_error_signals_are_derivatives_of_the_output_kernel(name: str) -> None:
    """By Price's theorem dK_01 / dC^l_{0p,1q} = E[dh_0p dh_1q]: entry by entry, central differences of the forward."""
    propagation, step = exact(name), 1e-5
    gradients = derivatives(propagation)
    for index, gradient in enumerate(gradients):
        positions = gradient.shape[1]
        assert gradient.shape == (2, positions, 2, positions)
        for p, q in np.ndindex(positions, positions):
            nudge = np.zeros(gradient.shape)
            nudge[0, p, 1, q] = nudge[1, q, 0, p] = step
            high, low = (_nudged(propagation, index, sign * nudge).kernels()[0][0, 1] for sign in (1, -1))
            np.testing.assert_allclose((high - low) / (2 * step), gradient[0, p, 1, q], rtol=1e-5, atol=1e-9)


def _nudged(propagation: Propagation, index: int, nudge: np.ndarray) -> Propagation:
    """The same network with more covariance from the input in one state."""
    states = list(propagation.states)
    states[index] = replace(states[index], source=states[index].source + nudge)
    return replace(propagation, states=tuple(states))


@every_network
def test_error_signals_give_the_tangent_kernel_from_behind(name: str) -> None:
    """What every state adds to the kernel, parameters of its own times its error signals, all entries included."""
    propagation = exact(name)
    nngp, ntk = propagation.kernels(biases=True)
    covariances = propagation.covariances()
    own = [covariances[0]]
    for before, covariance in pairwise(covariances):
        own.append(covariance - propagation.skip**2 * before if propagation.skip else covariance)
    added = sum(np.einsum("ipjq,ipjq->ij", *pair) for pair in zip(own, derivatives(propagation), strict=True))
    np.testing.assert_allclose(nngp + added, ntk, rtol=1e-12)


@every_network
def test_biases_alone_are_what_the_tangent_kernel_gains(name: str) -> None:
    propagation = exact(name)
    gained = propagation.kernels(biases=True)[1] - propagation.kernels()[1]
    gradients = zip(propagation.states, derivatives(propagation), strict=True)
    expected = sum(state.bias * gradient.sum((1, 3)) for state, gradient in gradients)
    np.testing.assert_allclose(gained, expected, rtol=1e-10, atol=1e-14)


def test_covariances_of_a_linear_residual_net_multiply() -> None:
    """h^{l+1} = h + alpha W h multiplies the covariance by 1 + alpha^2 v, error signals backwards likewise."""
    network = ResNet(depth=5, activation="identity", weight_variance=1.5, branch_scale=0.5)
    propagation = network.propagation(INPUTS)
    assert propagation is not None
    growth = 1 + 0.25 * 1.5
    for index, covariance in enumerate(propagation.covariances()):
        np.testing.assert_allclose(covariance[:, 0, :, 0], 1.5 * growth**index * INPUTS @ INPUTS.T / 8, rtol=1e-12)
    for index, gradient in enumerate(propagation.gradients()):
        np.testing.assert_allclose(gradient, growth ** (4 - index), rtol=1e-12)
