"""The graph convolutional net."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import GraphNet
from widthwise.models.layers import affine, in_parts
from widthwise.spaces import Space
from widthwise.theory import Propagation, State, linear_source


def states(network: GraphNet, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations h^1, ..., h^L, each (replicate, input, node, coordinate).

    Raises:
        SpecError: the features do not divide into the nodes.
    """
    phi = activation(network.activation).function
    variances = (network.weight_variance, network.bias_variance)
    shares = torch.from_numpy(_shares(network)).to(space.device, space.dtype)
    nodes = in_parts(inputs, network.nodes, "nodes")
    hs = [affine(space, *variances, features=nodes.shape[-1])(shares @ space.constant(nodes))]
    for _ in range(network.depth - 1):
        hs.append(affine(space, *variances)(shares @ phi(hs[-1])))
    return hs


def readout(network: GraphNet, state: Tensor) -> Tensor:
    """phi(h^L), or its mean over nodes."""
    x = activation(network.activation).function(state)
    return x.mean(2) if network.pooling == "mean" else x


def propagation(network: GraphNet, inputs: np.ndarray) -> Propagation:
    """The limit.

    Raises:
        SpecError: as for `states`.
    """
    mix = _shares(network)[None]
    source = linear_source(in_parts(inputs, network.nodes, "nodes"), network.weight_variance, mix)
    hidden = State(mix=mix, bias=network.bias_variance)
    return Propagation(
        dual=activation(network.activation).dual,
        weight_variance=network.weight_variance,
        states=(State(source=source, bias=network.bias_variance), *(hidden,) * (network.depth - 1)),
        pooling=network.pooling,
    )


def _shares(network: GraphNet) -> npt.NDArray[np.float64]:
    """A, the share of every node in every node: what the graph does to a layer, (node, node)."""
    linked = np.eye(network.nodes)
    cycle = pairwise([*range(network.nodes), 0])
    for a, b in network.edges or cycle:
        linked[a, b] = linked[b, a] = 1
    degrees = linked.sum(1)
    return linked / np.sqrt(np.outer(degrees, degrees))
