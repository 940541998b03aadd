"""Kernels of any activation by quadrature: Mehler's series, and nested integrals for the pairs it does not reach."""

from collections.abc import Callable, Sequence

import numpy as np

from widthwise.theory.hermite import hermite_expectation
from widthwise.theory.kernels import Array, Dual, Kernel
from widthwise.theory.nested import nested_expectation

PAIRS_AT_ONCE = 2**16
VARIANCES_AT_ONCE = 2**12  # each takes about 60 kB


def quadrature_dual(
    function: Callable[[Array], Array], derivative: Callable[[Array], Array], kinks: Sequence[float] = ()
) -> Dual:
    r"""The dual of an activation that has no closed form.

    Errors are below 1e-10 of :math:`\sqrt{E[\phi(u)^2] E[\phi(v)^2]}`, for degenerate pairs too (correlation of plus or
    minus one, variance of zero). Memory does not grow with the number of pairs, but for the result.

    Args:
        function: :math:`\phi`, of polynomial growth, applied to arrays of any shape.
        derivative: its derivative.
        kinks: where the function or a derivative of it jumps; it is analytic elsewhere.

    Returns:
        Kernels that raise SpecError where the integrals do not settle, as when a kink was not named.
    """
    return Dual(kernel=_kernel(function, kinks), derivative_kernel=_kernel(derivative, kinks))


def _kernel(function: Callable[[Array], Array], kinks: Sequence[float]) -> Kernel:
    def expectation(k11: Array, k12: Array, k22: Array) -> Array:
        if k12.size > PAIRS_AT_ONCE or np.unique((k11, k22)).size > VARIANCES_AT_ONCE:
            middle = k12.size // 2
            halves = [expectation(k11[half], k12[half], k22[half]) for half in (slice(middle), slice(middle, None))]
            return np.concatenate(halves)
        result = hermite_expectation(function, kinks, k11, k12, k22)
        open_pairs = np.isnan(result)
        if np.any(open_pairs):
            result[open_pairs] = nested_expectation(function, kinks, k11[open_pairs], k12[open_pairs], k22[open_pairs])
        return result

    def kernel(k11: Array, k12: Array, k22: Array) -> Array:
        shape = np.broadcast(k11, k12, k22).shape
        pairs = [np.broadcast_to(each, shape).ravel() for each in (k11, k12, k22)]
        return expectation(*pairs).reshape(shape)

    return kernel
