"""The attention net: layers of multi-head self-attention and nothing else."""

from torch import Tensor

from widthwise.models.catalogue import Attention
from widthwise.models.layers import affine, in_parts
from widthwise.models.multihead import multihead
from widthwise.spaces import Space


def states(network: Attention, space: Space, inputs: Tensor) -> list[Tensor]:
    """The embedding x^0 and the output of every layer, at every position.

    Raises:
        SpecError: the features do not divide into the positions.
    """
    parts = in_parts(inputs, network.positions, "positions")
    xs = [affine(space, network.weight_variance, features=parts.shape[-1])(space.constant(parts))]
    while len(xs) <= network.depth:
        xs.append(multihead(network, space)(xs[-1]))
    return xs


def readout(network: Attention, state: Tensor) -> Tensor:
    """x^L, or its mean over positions."""
    return state.mean(2) if network.pooling == "mean" else state
