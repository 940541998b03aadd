r"""Exact kernels against those of the package neural-tangents (Novak et al. 2020, 1912.02803).

Its conventions, and what they are here:

* ``parameterization="ntk"``, its default: :math:`W = \frac{W_{std}}{\sqrt{fan\_in}} w`, so that ``W_std**2`` is
  ``weight_variance``; the fan-in of a convolution is window times channels. ``b_std**2`` is ``bias_variance``.
* Its tangent kernel counts every bias there is, as ``biases=True`` does here; without biases both are the same.
* The output is a layer of its own, ``Dense(1)`` with ``W_std = 1`` and no bias. After ``Flatten`` its fan-in is
  positions times width: the mean over positions of the kernels, as here.
* A block of a residual net is ``alpha (W phi(h) + b)``: ``W_std`` and ``b_std`` are multiplied by alpha.
* Padding ``SAME`` is with zeros, ``VALID`` is none. With strides, ``SAME`` and ``CIRCULAR`` divide what the last window
  needs by two, here the first window begins (window - 1) // 2 before the line: the same where every layer reads an odd
  number of positions with strides of 1 or 2.
* Graphs: ``Aggregate`` is the product with A, given with the inputs.
"""

import numpy as np
import pytest

from widthwise.models import MLP, Architecture, Conv1d, Conv2d, GraphNet, ResNet

MISSING = "needs neural-tangents: pip install 'widthwise[peer]'"

jax = pytest.importorskip("jax", reason=MISSING)
nt_stax = pytest.importorskip("neural_tangents.stax", reason=MISSING)

pytestmark = pytest.mark.filterwarnings("ignore")  # what the peer and the packages below it emit

PADDINGS = {"zeros": "SAME", "circular": "CIRCULAR", "none": "VALID"}
LINE = np.sin(1 + np.arange(18) + 2 * np.arange(3)[:, None] * np.arange(18))
IMAGES = np.sin(1 + np.arange(50) + 3 * np.arange(2)[:, None] * np.arange(50))


def theirs(layers: list[object], inputs: np.ndarray, **others: object) -> tuple[np.ndarray, np.ndarray]:
    """NNGP and tangent kernel of a stack of layers and an output."""
    with jax.experimental.enable_x64():
        _, _, kernel = nt_stax.serial(*layers, nt_stax.Dense(1))
        both = kernel(inputs, None, ("nngp", "ntk"), **others)
        return np.asarray(both.nngp), np.asarray(both.ntk)


def assert_same(network: Architecture, inputs: np.ndarray, kernels: tuple[np.ndarray, np.ndarray]) -> None:
    propagation = network.propagation(inputs)
    assert propagation is not None
    for kernel, peer in zip(propagation.kernels(biases=True), kernels, strict=True):
        np.testing.assert_allclose(kernel, peer, rtol=0, atol=1e-5 * np.abs(kernel).max())


def phi(network: Architecture) -> object:
    return {"relu": nt_stax.Relu, "erf": nt_stax.Erf}[network.activation]()  # type: ignore[attr-defined]


def deviations(network: MLP | ResNet | Conv1d | Conv2d | GraphNet, scale: float = 1.0) -> dict[str, float | None]:
    bias = scale * network.bias_variance**0.5
    return {"W_std": scale * network.weight_variance**0.5, "b_std": bias or None}


def pooled(network: Conv1d | Conv2d | GraphNet) -> object:
    return nt_stax.GlobalAvgPool() if network.pooling == "mean" else nt_stax.Flatten()


@pytest.mark.parametrize("activation", ["relu", "erf"])
@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
@pytest.mark.parametrize("depth", [1, 3])
def test_mlp(activation: str, bias_variance: float, depth: int) -> None:
    network = MLP(depth=depth, activation=activation, weight_variance=1.6, bias_variance=bias_variance)
    layers = [nt_stax.Dense(1, **deviations(network)), phi(network)] * depth
    assert_same(network, LINE, theirs(layers, LINE))


@pytest.mark.parametrize("activation", ["relu", "erf"])
@pytest.mark.parametrize("bias_variance", [0.0, 0.3])
def test_residual_net(activation: str, bias_variance: float) -> None:
    network = ResNet(activation=activation, weight_variance=1.6, bias_variance=bias_variance, branch_scale=0.6)
    branch = nt_stax.serial(phi(network), nt_stax.Dense(1, **deviations(network, 0.6)))
    block = nt_stax.serial(nt_stax.FanOut(2), nt_stax.parallel(nt_stax.Identity(), branch), nt_stax.FanInSum())
    layers = [nt_stax.Dense(1, **deviations(network)), *[block] * (network.depth - 1), phi(network)]
    assert_same(network, LINE, theirs(layers, LINE))


def convolutions(network: Conv1d | Conv2d) -> list[object]:
    axes = 1 if isinstance(network, Conv1d) else 2
    layer = nt_stax.Conv(
        1,
        (network.window,) * axes,
        strides=(network.stride,) * axes,
        padding=PADDINGS[network.padding],
        **deviations(network),
    )
    return [*[layer, phi(network)] * network.depth, pooled(network)]


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("pooling", ["mean", "flatten"])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_along_a_line(padding: str, pooling: str, stride: int) -> None:
    bias_variance = 0.3 if pooling == "flatten" else 0.0
    network = Conv1d(positions=9, padding=padding, pooling=pooling, stride=stride, bias_variance=bias_variance)
    assert_same(network, LINE, theirs(convolutions(network), LINE.reshape(3, 9, 2)))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("pooling", ["mean", "flatten"])
@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_over_images(padding: str, pooling: str, stride: int) -> None:
    network = Conv2d(
        height=5,
        channels=2,
        depth=1 if padding == "none" and stride == 2 else 2,
        activation="erf",
        padding=padding,
        pooling=pooling,
        stride=stride,
        bias_variance=0.2,
    )
    assert_same(network, IMAGES, theirs(convolutions(network), IMAGES.reshape(2, 5, 5, 2)))


@pytest.mark.parametrize("pooling", ["mean", "flatten"])
def test_graph(pooling: str) -> None:
    edges = ((0, 1), (1, 2), (2, 3), (1, 4), (5, 6))
    network = GraphNet(nodes=9, edges=edges, pooling=pooling, bias_variance=0.2)
    linked = np.eye(9)
    for a, b in edges:
        linked[a, b] = linked[b, a] = 1
    root = np.diag(linked.sum(0) ** -0.5)
    shares = np.broadcast_to(root @ linked @ root, (3, 9, 9))
    layer = [nt_stax.Aggregate(aggregate_axis=1, batch_axis=0, channel_axis=2)]
    layers = [*layer, nt_stax.Dense(1, **deviations(network)), phi(network)] * network.depth
    kernels = theirs([*layers, pooled(network)], LINE.reshape(3, 9, 2), pattern=(shares, shares))
    assert_same(network, LINE, kernels)
