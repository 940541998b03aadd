r"""Propagation: covariances of a network whose kets are all Gaussian, by recursion over states and positions.

Such a network has states :math:`h^1, ..., h^L` (layers, or steps), each with positions p, and

.. math:: h^{l+1}_p = a\,h^l_p + \sum_o W_o \sum_q P^{l+1}_{o,pq}\, \phi(h^l_q) + b^{l+1} + (\text{linear in the input})

where a state uses matrices :math:`W_o` (one for every offset) that its own past does not contain, or contains only at
other steps. MLPs, residual nets, simple recurrent nets, convolutions and graph convolutions are of this form. All
covariances have the shape (input, position, input, position).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from widthwise.theory.kernels import Array, Dual, Kernel

Pooling = Literal["mean", "flatten"]
"""The readout: of the mean over positions, or of every position with weights of its own."""


@dataclass(frozen=True, kw_only=True)
class State:
    """One state.

    ``source`` is the covariance that the input gives it through weights, ``bias`` the variance of its bias. ``mix`` are
    the maps P from the positions of the state before, (offset, position, position before), None where every position
    takes from itself alone. ``ratio`` is its width relative to n.
    """

    source: Array | float = 0.0
    bias: float = 0.0
    mix: Array | None = None
    ratio: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Propagation:
    """A network of Gaussian kets: entries of W have variance ``weight_variance`` / fan-in, ``skip`` is a."""

    dual: Dual
    weight_variance: float
    states: tuple[State, ...]
    skip: float = 0.0
    pooling: Pooling = "flatten"

    def covariances(self) -> list[Array]:
        """:math:`E[h^l_{ip} h^l_{jq}]` of every state, each (input, position, input, position)."""
        first, *rest = self.states
        covariances = [np.asarray(first.source + first.bias)]
        for state in rest:
            moment = _acted(self.dual.kernel, covariances[-1])
            covariances.append(self._next(state, covariances[-1], moment) + state.bias)
        return covariances

    def gradients(self) -> list[Array]:
        r""":math:`E[dh^l_{ip}\, dh^l_{jq}]`, error signals of a readout v independent of all else, of mean 0.

        Then W^T may be replaced by an independent copy (TP0 section 5): every step is the adjoint of the one forward.
        An error signal is a derivative times the number of its coordinates, hence the ratios.
        """
        slopes = [_acted(self.dual.derivative_kernel, each) for each in self.covariances()]
        gradients = [slopes[-1] * _pooled_back(self.pooling, slopes[-1])]
        for state, slope in zip(self.states[:0:-1], slopes[-2::-1], strict=True):
            after = gradients[-1]
            through = self.weight_variance * slope * _mixed_back(state.mix, after)
            gradients.append(through + self.skip**2 * after if self.skip else through)
        return [state.ratio * each for state, each in zip(self.states, gradients[::-1], strict=True)]

    def kernels(self, *, biases: bool = False) -> tuple[Array, Array]:
        """NNGP and neural tangent kernel of a scalar readout, each (input, input).

        Weights and readout weights are trained, and biases if asked for.

        Source:
            TP2 (2006.14548); mathematics: section 8.
        """
        first, *rest = self.states
        covariances = self.covariances()
        tangent = np.asarray(first.source + biases * first.bias)
        for state, covariance in zip(rest, covariances, strict=False):
            moment = _acted(self.dual.kernel, covariance)
            inner = moment + tangent * _acted(self.dual.derivative_kernel, covariance)
            tangent = self._next(state, tangent, inner) + biases * state.bias
        nngp = _acted(self.dual.kernel, covariances[-1])
        through = tangent * _acted(self.dual.derivative_kernel, covariances[-1])
        return _pooled(self.pooling, nngp), _pooled(self.pooling, nngp + through)

    def _next(self, state: State, before: Array, inner: Array) -> Array:
        """From one state to the next, biases apart: a covariance, or a tangent kernel, and what phi makes of it."""
        fresh = state.source + self.weight_variance * _mixed(state.mix, inner)
        return np.asarray(fresh + self.skip**2 * before if self.skip else fresh)


def linear_source(inputs: Array, variance: float, mix: Array | None = None) -> Array:
    """The covariance of ``sum_o U_o sum_q P_oq x_q`` for constant inputs x, entries of U of variance v / features.

    Args:
        inputs: shape (input, position, feature).
        variance: v.
        mix: P, shape (offset, position out, position); None where every position takes from itself alone.

    Returns:
        Shape (input, position out, input, position out).
    """
    flat = inputs.reshape(-1, inputs.shape[-1])
    products = (variance * (flat @ flat.T / flat.shape[-1])).reshape(*inputs.shape[:2], *inputs.shape[:2])
    return _mixed(mix, products)


def _mixed(mix: Array | None, inner: Array) -> Array:
    """Sum over offsets of ``P inner P^T``."""
    return inner if mix is None else np.einsum("oap,ipjq,obq->iajb", mix, inner, mix, optimize=True)


def _mixed_back(mix: Array | None, outer: Array) -> Array:
    """The adjoint of `_mixed`."""
    return outer if mix is None else np.einsum("oap,iajb,obq->ipjq", mix, outer, mix, optimize=True)


def _acted(kernel: Kernel, covariance: Array) -> Array:
    """A kernel of an activation on every pair; covariances are symmetric: only row <= column is computed."""
    size = covariance.shape[0] * covariance.shape[1]
    flat = covariance.reshape(size, size)
    rows, columns = np.triu_indices(size)
    variance = flat.diagonal()
    values = kernel(variance[rows], flat[rows, columns], variance[columns])
    acted = np.empty_like(flat)
    acted[rows, columns] = acted[columns, rows] = values
    return acted.reshape(covariance.shape)


def _pooled(pooling: Pooling, kernel: Array) -> Array:
    return kernel.mean((1, 3)) if pooling == "mean" else np.einsum("ipjp->ij", kernel) / kernel.shape[1]


def _pooled_back(pooling: Pooling, kernel: Array) -> Array:
    """The adjoint of `_pooled` on ones, broadcast against (input, position, input, position)."""
    positions = kernel.shape[1]
    own = np.full((positions, positions), 1 / positions**2) if pooling == "mean" else np.eye(positions) / positions
    return own[:, None, :]
