"""The multilayer perceptron."""

from itertools import pairwise

import numpy as np
from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import MLP
from widthwise.models.layers import affine, wide
from widthwise.spaces import Space
from widthwise.theory import Propagation, State, linear_source


def states(network: MLP, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations h^1, ..., h^L."""
    phi = activation(network.activation).function
    variances = (network.weight_variance, network.bias_variance)
    dims = [wide(space, ratio) for ratio in _ratios(network)]
    hs = [affine(space, *variances, rows=dims[0], features=inputs.shape[-1])(space.constant(inputs))]
    for columns, rows in pairwise(dims):
        hs.append(affine(space, *variances, rows=rows, columns=columns)(phi(hs[-1])))
    return hs


def readout(network: MLP, state: Tensor) -> Tensor:
    """phi(h^L)."""
    return activation(network.activation).function(state)


def propagation(network: MLP, inputs: np.ndarray) -> Propagation:
    """Of the limit only error signals depend on the widths of the layers."""
    source, bias = linear_source(inputs[:, None], network.weight_variance), network.bias_variance
    first, *rest = _ratios(network)
    return Propagation(
        dual=activation(network.activation).dual,
        weight_variance=network.weight_variance,
        states=(State(source=source, bias=bias, ratio=first), *(State(bias=bias, ratio=ratio) for ratio in rest)),
    )


def _ratios(network: MLP) -> tuple[float, ...]:
    """The widths of the layers, relative to n."""
    return (*(network.ratios or (1.0,) * (network.depth - 1)), 1.0)
