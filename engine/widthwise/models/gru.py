"""The gated recurrent unit."""

from torch import Tensor, sigmoid, tanh

from widthwise.models.catalogue import GRU
from widthwise.models.recurrent import preactivation
from widthwise.spaces import Space


def states(network: GRU, space: Space, inputs: Tensor) -> list[Tensor]:
    """The hidden states s_1, ..., s_T."""
    z, r, g = (preactivation(network, space, inputs) for _ in range(3))
    states = [sigmoid(z(0)) * tanh(g(0))]
    for t in range(1, network.steps):
        s = states[-1]
        update, reset = sigmoid(z(t, s)), sigmoid(r(t, s))
        states.append((1 - update) * s + update * tanh(g(t, reset * s)))
    return states


def readout(network: GRU, state: Tensor) -> Tensor:
    """s_T."""
    return state
