"""The small networks that ``master_theorem`` and ``interpolation`` look at."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from widthwise.spaces import Interpolated, Matrix

Network = Literal["mlp", "tied", "power"]
Phi = Callable[[Tensor], Tensor]


def preactivations(
    network: Network, depth: int, phi: Phi, z: Tensor, matrix: Callable[[], Matrix | Interpolated]
) -> list[Tensor]:
    r"""The vectors h_1, ..., h_depth of a network applied to z.

    ``mlp``: :math:`h_{l+1} = W_{l+1} \phi(h_l)`, a matrix for each layer. ``tied``:
    :math:`h_{l+1} = (W + W^T) \phi(h_l) / \sqrt 2` with a single one. ``power``: the same without :math:`\phi`.

    Args:
        network: which one.
        depth: number of layers.
        phi: the activation.
        z: shape (replicate, ..., coordinate); layer 1 takes it as it is.
        matrix: makes an n x n matrix of variance 1.
    """
    if network == "mlp":
        return _layers(depth, phi, z, lambda x: matrix()(x))
    w = matrix()
    return _layers(depth, phi if network == "tied" else lambda x: x, z, lambda x: (w(x) + w.T(x)) / 2**0.5)


def _layers(depth: int, phi: Phi, z: Tensor, multiply: Callable[[Tensor], Tensor]) -> list[Tensor]:
    hs = [multiply(z)]
    while len(hs) < depth:
        hs.append(multiply(phi(hs[-1])))
    return hs
