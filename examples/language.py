"""All instructions of the language in one program: widths in ratio, entries of any law, scalars, outer nonlinearities.

cd examples
widthwise run --program language:tour --width 64,256,1024
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from widthwise.spaces import Space


def tour(space: Space) -> Mapping[str, Tensor]:
    """A wide layer and back with one matrix, layer norm, and a layer in which all pairs of coordinates meet."""
    wide = space.dim("wide", ratio=2.0)  # a class of width 2n
    W = space.matrix(wide, law="rademacher")  # 2n x n, entries +-1 / sqrt n
    x = space.vectors(2, law="laplace").requires_grad_()  # two initial vectors; their law matters in the limit
    h = W.T(torch.tanh(W(x)))  # its limit has a dot: h depends on x through W^T W
    h = h / (space.avg(h * h) + 0.1).sqrt()[..., None]  # an average is a scalar, and enters a nonlinearity
    pairs = space.outer(lambda a, b: torch.tanh(a * b) * b, h, h)  # (1/n) sum_b psi(h_a; h_b)
    f = space.avg(pairs * torch.sin(h))
    (signal,), _ = space.backprop(f, x)
    return {"f": f, "hidden": space.gram(h), "signal": space.gram(signal)}
