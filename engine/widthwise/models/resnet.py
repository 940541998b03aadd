"""The residual MLP, with a matrix for each block or one for all."""

import numpy as np
from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import ResNet
from widthwise.models.layers import affine
from widthwise.spaces import Space
from widthwise.theory import Propagation, State, linear_source


def states(network: ResNet, space: Space, inputs: Tensor) -> list[Tensor]:
    """The stream h^1, ..., h^L."""
    phi = activation(network.activation).function
    variances = (network.weight_variance, network.bias_variance)
    hs = [affine(space, *variances, features=inputs.shape[-1])(space.constant(inputs))]
    branch = affine(space, *variances)
    for block in range(network.depth - 1):
        if block and not network.tied:
            branch = affine(space, *variances)
        hs.append(hs[-1] + network.branch_scale * branch(phi(hs[-1])))
    return hs


def readout(network: ResNet, state: Tensor) -> Tensor:
    """phi(h^L)."""
    return activation(network.activation).function(state)


def propagation(network: ResNet, inputs: np.ndarray) -> Propagation | None:
    """Of tied blocks not known: their kets depend on each other."""
    if network.tied:
        return None
    first = State(source=linear_source(inputs[:, None], network.weight_variance), bias=network.bias_variance)
    block = State(bias=network.branch_scale**2 * network.bias_variance)
    return Propagation(
        dual=activation(network.activation).dual,
        weight_variance=network.branch_scale**2 * network.weight_variance,
        states=(first, *(block,) * (network.depth - 1)),
        skip=1.0,
    )
