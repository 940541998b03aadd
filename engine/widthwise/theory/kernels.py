r"""Kernels of wide networks: how an activation acts on a pair of Gaussians, and what an MLP makes of its inputs.

Throughout, ``(u, v)`` is a centred Gaussian pair with variances ``k11``, ``k22`` and covariance ``k12``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Kernel: TypeAlias = Callable[[Array, Array, Array], Array]


@dataclass(frozen=True, kw_only=True)
class Dual:
    r"""What an activation does to a Gaussian pair; both functions take ``(k11, k12, k22)``, elementwise, and broadcast.

    ``kernel`` is :math:`E[\phi(u)\phi(v)]`, ``derivative_kernel`` is :math:`E[\phi'(u)\phi'(v)]` (without the point
    masses that a jump of :math:`\phi` would add: automatic differentiation does not see them either).
    """

    kernel: Kernel
    derivative_kernel: Kernel


def mlp_kernels(
    inputs: Array, *, depth: int, weight_variance: float, bias_variance: float, dual: Dual
) -> tuple[Array, Array]:
    r"""Infinite-width NNGP and neural tangent kernels of an MLP with scalar readout.

    With :math:`S^0 = x \cdot x' / d` and, for the hidden layers l = 1 .. depth,
    :math:`K^l = \sigma_w^2 S^{l-1} + \sigma_b^2`, :math:`S^l = E[\phi\phi](K^l)`,
    :math:`T^l = \sigma_w^2 S^{l-1} + \sigma_w^2 T^{l-1} E[\phi'\phi'](K^{l-1})` (:math:`T^1 = \sigma_w^2 S^0`),
    the kernels are :math:`S^{depth}` and :math:`S^{depth} + T^{depth} E[\phi'\phi'](K^{depth})`: weights and readout
    weights are trained, biases are not.

    Args:
        inputs: shape (input, feature).
        depth: number of hidden layers, at least 1.
        weight_variance: variance of a weight times its fan-in.
        bias_variance: variance of a bias.
        dual: the activation.

    Returns:
        NNGP and NTK, each of shape (input, input).

    Source:
        TP2 (2006.14548); mathematics: section 8.
    """
    # The kernels are symmetric: only pairs with row <= column are propagated.
    rows, columns = np.triu_indices(len(inputs))
    diagonal = np.flatnonzero(rows == columns)
    second_moment = (inputs @ inputs.T / inputs.shape[1])[rows, columns]
    tangent = np.zeros_like(second_moment)
    for _ in range(depth):
        tangent = weight_variance * (second_moment + tangent)
        covariance = weight_variance * second_moment + bias_variance
        variance = covariance[diagonal]
        pair = (variance[rows], covariance, variance[columns])
        second_moment = dual.kernel(*pair)
        tangent = tangent * dual.derivative_kernel(*pair)
    place = np.empty((len(inputs), len(inputs)), dtype=np.intp)
    place[rows, columns] = place[columns, rows] = np.arange(len(rows))
    return second_moment[place], (second_moment + tangent)[place]
