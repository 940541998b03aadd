"""The experiments ``nngp`` and ``ntk``: empirical kernels of a random network against their limits."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import ProgramError, SpecError
from widthwise.experiments.exact import exact_limit
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import NTK
from widthwise.models import Architecture
from widthwise.spaces import Factor, Space
from widthwise.theory import Propagation

DIMS = ("input", "input_")


def nngp(model: Architecture, inputs: np.ndarray) -> Experiment:
    """The kernel of the outputs of a random network, ``avg(x_i x_j)`` of its readout vectors (TP4b 2.4.2).

    Of readout vectors at several positions, each with output weights of its own, the mean over positions.
    """
    constants = torch.from_numpy(inputs)

    def measure(space: Space) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return {"nngp": mean_gram(space, model(space, constants))}

    return Experiment(
        name="nngp",
        readouts=(nngp_readout(len(inputs)),),
        measure=measure,
        exact=exact_limit(model, inputs, lambda propagation: {"nngp": propagation.kernels()[0]}),
    )


def ntk(model: Architecture, inputs: np.ndarray, options: NTK) -> Experiment:
    """The tangent kernel of ``f = sqrt(n) avg(v x)`` beside its NNGP kernel.

    Raises:
        SpecError: the network has no tangent kernel.
    """
    if model.no_tangent_kernel:
        message = (
            f"model.name: {model.name!r} has no neural tangent kernel: {model.no_tangent_kernel}; choose another "
            "model, or experiment = 'nngp' or 'signal_propagation'"
        )
        raise SpecError(message)
    constants = torch.from_numpy(inputs)

    def measure(space: Space) -> Mapping[str, Tensor]:
        both = kernels(model.initial(space), model(space, constants), biases=options.biases)
        return dict(zip(("nngp", "ntk"), both, strict=True))

    def exact(propagation: Propagation) -> Mapping[str, np.ndarray]:
        return dict(zip(("nngp", "ntk"), propagation.kernels(biases=options.biases), strict=True))

    return Experiment(
        name="ntk",
        readouts=(nngp_readout(len(inputs)), ntk_readout(len(inputs))),
        measure=measure,
        exact=exact_limit(model, inputs, exact),
    )


def kernels(space: Space, x: Tensor, *, biases: bool = False) -> tuple[Tensor, Tensor]:
    r"""NNGP and tangent kernel of a network with readout vectors x, that is of :math:`f = \sqrt n\,avg(v x)`.

    .. math:: \Theta_{ij} = K_{ij} + \sum_W s_W^2 \frac{n}{rows} \sum_{u, u'} E[dh_{iu} dh_{ju'}] E[x_{iu} x_{ju'}]

    summed over all pairs of uses of every weight matrix, u being a use at a position. The output weights v, drawn here,
    give K.

    Args:
        space: of the network; its law of vectors is that of v.
        x: made by matrices of the space, of its default class: (replicate, input, coordinate), or (replicate, input,
            position, coordinate) with output weights of its own at every position.
        biases: whether those of ``space.bias`` are trained, and count.

    Returns:
        Both float64, (replicate, input, input).

    Raises:
        ProgramError: a matrix is applied to vectors that inputs share, so that its gradient is not that of each input.

    Source:
        TP2 (2006.14548); TP4b 2.4.1.
    """
    _, factors = space.backprop(output(space, x))
    kernel = mean_gram(space, x.detach())
    trained = [factor for factor in factors if biases or not factor.matrix.is_bias]
    shared = next((factor.right.shape[1] for factor in trained if factor.right.shape[1] != x.shape[1]), None)
    if shared is not None:
        message = (
            f"kernels: a matrix is applied to {shared} vector(s) where the network has {x.shape[1]} inputs; expand "
            "what inputs share to one for each, x.expand(-1, inputs, -1), before a matrix is applied to it"
        )
        raise ProgramError(message)
    by_matrix = [list(uses) for _, uses in groupby(trained, key=lambda factor: id(factor.matrix))]
    return kernel, kernel + sum(_tangent(space, uses) for uses in by_matrix)


def output(space: Space, x: Tensor) -> Tensor:
    """``avg(v x)`` of readout vectors for output weights v of the space's law of vectors, (replicate, input).

    Over positions, each with output weights of its own, the sum divided by the root of their number.
    """
    positions = _at_positions(x)
    v = space.vectors(positions.shape[2])
    return space.avg((v[:, None] * positions).sum(2)) / positions.shape[2] ** 0.5


def mean_gram(space: Space, x: Tensor) -> Tensor:
    """Averages of products, mean over positions, float64, (replicate, input, input).

    Positions beside each other are as good as one long vector. Of readout vectors it is the covariance of the outputs
    over output weights.
    """
    return space.gram(x.flatten(2))


def _tangent(space: Space, uses: Sequence[Factor]) -> Tensor:
    """What one matrix adds to the tangent kernel."""
    matrix = uses[0].matrix
    left = torch.cat([_at_positions(use.left) for use in uses], 2)
    right = torch.cat([_at_positions(use.right.detach()) for use in uses], 2)
    replicates, inputs, count, _ = left.shape
    products = space.gram(left.flatten(1, 2)) * space.gram(right.flatten(1, 2))
    scale = matrix.variance * space.dim("n").extent / matrix.rows.extent
    return scale * products.reshape(replicates, inputs, count, inputs, count).sum((2, 4))


def _at_positions(vectors: Tensor) -> Tensor:
    """Vectors as (replicate, input, position, coordinate), whatever axes there are between input and coordinate."""
    return vectors.flatten(2, -2) if vectors.ndim > 3 else vectors[:, :, None]


def nngp_readout(count: int) -> Readout:
    """Its description for so many inputs."""
    return Readout(
        name="nngp",
        dims=DIMS,
        shape=(count, count),
        long_name="neural network Gaussian process kernel",
        description="covariance of the outputs over random readout weights: averages of products of activations",
        source="TP1 (1910.12478); TP4b 2.4.2",
    )


def ntk_readout(count: int) -> Readout:
    """Its description for so many inputs."""
    return Readout(
        name="ntk",
        dims=DIMS,
        shape=(count, count),
        long_name="neural tangent kernel",
        description="inner products of the gradients of the output with respect to all weights",
        source="TP2 (2006.14548); TP4b 2.4.1",
    )
