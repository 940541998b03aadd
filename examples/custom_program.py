"""A network of one's own: a weight-tied residual net, measured at every width and at infinity.

    cd examples
    widthwise run --program custom_program:tied_residual --width 64,256,1024,4096

The same matrix acts in every layer, so that the activations depend on it: the kernels differ from those of a net with
fresh matrices, which ``untied_residual`` measures.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from widthwise.spaces import Space

INPUTS = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, -0.6, 0.8]]) * 3**0.5
DEPTH = 4


def tied_residual(space: Space) -> Mapping[str, Tensor]:
    """Layers x <- x + W tanh(W^T x) with one W for all."""
    W = space.matrix(variance=0.5)
    return residual(space, lambda x: W(torch.tanh(W.T(x))))


def untied_residual(space: Space) -> Mapping[str, Tensor]:
    """Layers x <- x + W tanh(V x), each with matrices of its own."""
    return residual(space, lambda x: space.matrix(variance=0.5)(torch.tanh(space.matrix(variance=0.5)(x))))


def residual(space: Space, block: Callable[[Tensor], Tensor]) -> Mapping[str, Tensor]:
    """Kernel of the last layer, and of the error signals at the first."""
    first = x = space.matrix(features=INPUTS.shape[1])(space.constant(INPUTS))
    for _ in range(DEPTH):
        x = x + block(x)
    (signal,), _ = space.backprop(space.avg(space.vector() * x), first)
    return {"forward": space.gram(x), "backward": space.gram(signal)}
