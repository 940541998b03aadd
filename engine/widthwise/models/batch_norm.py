"""The multilayer perceptron with batch norm."""

from torch import Tensor

from widthwise.errors import SpecError
from widthwise.models.activations import activation
from widthwise.models.catalogue import BatchNorm
from widthwise.models.layers import affine
from widthwise.spaces import Space


def states(network: BatchNorm, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations h^1, ..., h^L before they are normalised.

    Raises:
        SpecError: a batch of one input, which differs from its mean by nothing.
    """
    if len(inputs) < 2:
        message = f"data.count: {len(inputs)} input(s) are no batch to normalise over; choose at least 2"
        raise SpecError(message)
    hs = [affine(space, network.weight_variance, features=inputs.shape[-1])(space.constant(inputs))]
    while len(hs) < network.depth:
        hs.append(affine(space, network.weight_variance)(readout(network, hs[-1])))
    return hs


def readout(network: BatchNorm, state: Tensor) -> Tensor:
    """phi(BN(h^L))."""
    return activation(network.activation).function(_normalised(state, network.epsilon))


def _normalised(h: Tensor, epsilon: float) -> Tensor:
    """BN: every coordinate minus its mean over the inputs, axis 1, over its standard deviation there."""
    centred = h - h.mean(1, keepdim=True)
    return centred / ((centred * centred).mean(1, keepdim=True) + epsilon).sqrt()
