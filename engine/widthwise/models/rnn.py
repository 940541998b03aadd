"""The simple recurrent net."""

import numpy as np
from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import RNN
from widthwise.models.layers import in_parts
from widthwise.models.recurrent import preactivation
from widthwise.spaces import Space
from widthwise.theory import Propagation, State, linear_source


def states(network: RNN, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations h_1, ..., h_T."""
    phi = activation(network.activation).function
    h = preactivation(network, space, inputs)
    hs = [h(0)]
    for t in range(1, network.steps):
        hs.append(h(t, phi(hs[-1])))
    return hs


def readout(network: RNN, state: Tensor) -> Tensor:
    """phi(h_T)."""
    return activation(network.activation).function(state)


def propagation(network: RNN, inputs: np.ndarray) -> Propagation:
    """The same tied and untied: error signals of different steps are uncorrelated (TP0 section 5)."""
    sources = (
        linear_source(part[:, None], network.input_variance)
        for part in np.moveaxis(in_parts(inputs, network.steps, "steps"), 1, 0)
    )
    return Propagation(
        dual=activation(network.activation).dual,
        weight_variance=network.weight_variance,
        states=tuple(State(source=source, bias=network.bias_variance) for source in sources),
    )
