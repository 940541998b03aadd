"""The multilayer perceptron with layer norm."""

from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import LayerNorm
from widthwise.models.layers import affine, normalised
from widthwise.spaces import Space


def states(network: LayerNorm, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations h^1, ..., h^L before they are normalised."""
    variances = (network.weight_variance, network.bias_variance)
    hs = [affine(space, *variances, features=inputs.shape[-1])(space.constant(inputs))]
    while len(hs) < network.depth:
        hs.append(affine(space, *variances)(readout(network, hs[-1])))
    return hs


def readout(network: LayerNorm, state: Tensor) -> Tensor:
    """phi(LN(h^L))."""
    return activation(network.activation).function(normalised(state, network.epsilon))
