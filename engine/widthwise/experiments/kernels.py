"""The experiments ``nngp`` and ``ntk``: empirical kernels of a random network against their limits."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.models import MLP, Model, activation
from widthwise.spaces import Space
from widthwise.theory.kernels import mlp_kernels

DIMS = ("input", "input_")


def nngp(model: Model, inputs: np.ndarray) -> Experiment:
    """The kernel of the outputs of a random network, ``avg(x_i x_j)`` of its last activations (TP4b 2.4.2)."""
    constants = torch.from_numpy(inputs)

    def measure(space: Space) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return {"nngp": space.gram(model(space, constants))}

    return Experiment(
        name="nngp",
        readouts=(_nngp_readout(len(inputs)),),
        measure=measure,
        exact=lambda: {"nngp": _exact(model, inputs)[0]},
    )


def ntk(model: Model, inputs: np.ndarray) -> Experiment:
    r"""The tangent kernel of ``f = sqrt(n) avg(v x)`` beside its NNGP kernel.

    .. math:: \Theta_{ij} = K_{ij} + \sum_W s_W^2 \, E[dh_i \, dh_j] \, E[x_i x_j]

    summed over the uses of every weight matrix, the readout weights giving K (TP2; TP4b 2.4.1). Biases do not count.
    """
    constants = torch.from_numpy(inputs)

    def measure(space: Space) -> Mapping[str, Tensor]:
        x = model(space, constants)
        _, factors = space.backprop(space.avg(space.vector() * x))
        kernel = space.gram(x.detach())
        weights = [f.matrix.variance * space.gram(f.left) * space.gram(f.right.detach()) for f in factors]
        return {"nngp": kernel, "ntk": kernel + sum(weights)}

    def exact() -> Mapping[str, np.ndarray]:
        return dict(zip(("nngp", "ntk"), _exact(model, inputs), strict=True))

    readout = Readout(
        name="ntk",
        dims=DIMS,
        shape=(len(inputs), len(inputs)),
        long_name="neural tangent kernel",
        description="inner products of the gradients of the output with respect to all weights",
        source="TP2 (2006.14548); TP4b 2.4.1",
    )
    return Experiment(name="ntk", readouts=(_nngp_readout(len(inputs)), readout), measure=measure, exact=exact)


def _nngp_readout(count: int) -> Readout:
    return Readout(
        name="nngp",
        dims=DIMS,
        shape=(count, count),
        long_name="neural network Gaussian process kernel",
        description="covariance of the outputs over random readout weights: averages of products of activations",
        source="TP1 (1910.12478); TP4b 2.4.2",
    )


def _exact(model: MLP, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return mlp_kernels(
        inputs,
        depth=model.depth,
        weight_variance=model.weight_variance,
        bias_variance=model.bias_variance,
        dual=activation(model.activation).dual,
    )
