"""The transformer: blocks of attention and of a perceptron on a residual stream."""

from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import Transformer
from widthwise.models.layers import affine, in_parts, normalised, wide
from widthwise.models.multihead import Layer, multihead
from widthwise.spaces import Space


def states(network: Transformer, space: Space, inputs: Tensor) -> list[Tensor]:
    """The stream, at every position: after the embedding and after every block.

    Raises:
        SpecError: the features do not divide into the positions.
    """
    parts = in_parts(inputs, network.positions, "positions")
    xs = [affine(space, network.weight_variance, features=parts.shape[-1])(space.constant(parts))]
    while len(xs) <= network.depth:
        xs.append(_block(network, space)(xs[-1]))
    return xs


def readout(network: Transformer, state: Tensor) -> Tensor:
    """LN(x^L), or its mean over positions."""
    x = normalised(state, network.epsilon)
    return x.mean(2) if network.pooling == "mean" else x


def _block(network: Transformer, space: Space) -> Layer:
    phi, hidden = activation(network.activation).function, wide(space, network.ratio)
    variances = (network.weight_variance, network.bias_variance)
    attend = multihead(network, space)
    up, down = affine(space, *variances, rows=hidden), affine(space, *variances, columns=hidden)

    def block(x: Tensor) -> Tensor:
        y = x + attend(normalised(x, network.epsilon))
        return y + down(phi(up(normalised(y, network.epsilon))))

    return block
