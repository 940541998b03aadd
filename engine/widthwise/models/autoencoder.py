"""The autoencoder, with the transposes of its encoder for a decoder or with matrices of its own."""

from itertools import pairwise

import numpy as np
from torch import Tensor

from widthwise.models.activations import activation
from widthwise.models.catalogue import Autoencoder
from widthwise.models.layers import affine, wide
from widthwise.spaces import Matrix, Space
from widthwise.theory import Propagation, State, linear_source


def states(network: Autoencoder, space: Space, inputs: Tensor) -> list[Tensor]:
    """Preactivations: of x^0, ..., x^L on the way in, of y^{L-1}, ..., y^0 on the way out."""
    phi, variance = activation(network.activation).function, network.weight_variance
    hs = [affine(space, variance, features=inputs.shape[-1])(space.constant(inputs))]
    dims = [wide(space, ratio) for ratio in (1.0, *network.ratios)]
    encoder = [space.matrix(rows, columns, variance=variance) for columns, rows in pairwise(dims)]
    decoder = [_back(network, space, matrix) for matrix in reversed(encoder)]
    for matrix in (*encoder, *decoder):
        hs.append(matrix(phi(hs[-1])))
    return hs


def readout(network: Autoencoder, state: Tensor) -> Tensor:
    """y^0 = phi(h), h the last preactivation."""
    return activation(network.activation).function(state)


def propagation(network: Autoencoder, inputs: np.ndarray) -> Propagation | None:
    """Of tied matrices not known: the kets of the decoder depend on those of the encoder.

    An entry of a matrix of the decoder has the variance of the one it replaces, but another fan-in.
    """
    if network.tied:
        return None
    first = State(source=linear_source(inputs[:, None], network.weight_variance))
    encoder = (State(ratio=ratio) for ratio in network.ratios)
    decoder = (State(mix=np.full((1, 1, 1), (inner / outer) ** 0.5), ratio=outer) for outer, inner in _sides(network))
    return Propagation(
        dual=activation(network.activation).dual,
        weight_variance=network.weight_variance,
        states=(first, *encoder, *decoder),
    )


def _back(network: Autoencoder, space: Space, matrix: Matrix) -> Matrix:
    """The transpose, or a matrix of its shape whose entries are independent and of the same variance."""
    if network.tied:
        return matrix.T
    variance = matrix.variance * matrix.rows.extent / matrix.columns.extent
    return space.matrix(matrix.columns, matrix.rows, variance=variance)


def _sides(network: Autoencoder) -> list[tuple[float, float]]:
    """The ratios on both sides of every layer of the decoder, in its order: of what it gives, of what it takes."""
    return list(pairwise((1.0, *network.ratios)))[::-1]
