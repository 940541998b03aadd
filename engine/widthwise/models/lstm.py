"""The long short-term memory."""

from torch import Tensor, sigmoid, tanh

from widthwise.models.catalogue import LSTM
from widthwise.models.recurrent import preactivation
from widthwise.spaces import Space


def states(network: LSTM, space: Space, inputs: Tensor) -> list[Tensor]:
    """The hidden states s_1, ..., s_T, without the cells."""
    i, f, o, g = (preactivation(network, space, inputs) for _ in range(4))
    c = sigmoid(i(0)) * tanh(g(0))
    states = [sigmoid(o(0)) * tanh(c)]
    for t in range(1, network.steps):
        s = states[-1]
        c = sigmoid(f(t, s)) * c + sigmoid(i(t, s)) * tanh(g(t, s))
        states.append(sigmoid(o(t, s)) * tanh(c))
    return states


def readout(network: LSTM, state: Tensor) -> Tensor:
    """s_T."""
    return state
