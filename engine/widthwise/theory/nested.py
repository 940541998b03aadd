r"""Two nested integrals, split at the kinks: the kernel of a function for any pair, if at a price.

With :math:`u = \sqrt{k_{11}} z`, :math:`v = m z + s z'` the inner integral smooths :math:`\phi` at width s. What it
leaves of a kink :math:`\kappa` is a transition of width :math:`s / |m|` about :math:`z = \kappa / m`, which gets panels
of its own, so that nearly collinear pairs are as accurate as others.
"""

from collections.abc import Callable, Sequence

import numpy as np

from widthwise.errors import SpecError
from widthwise.theory.kernels import Array
from widthwise.theory.pairs import determinant
from widthwise.theory.panels import POINTS, even_edges, normal_rule, place

HALF_RANGE = 10.0  # the normal density is 1e-22 there
CELLS = (6, 12, 24, 48, 96)
BENDS = np.concatenate(([0.0], 2.0 ** np.arange(6), -(2.0 ** np.arange(6))))  # where an activation may turn sharply
TRANSITION = np.arange(-9.0, 9.1, 3.0)
TOLERANCE = 1e-13
PAIRS_AT_ONCE = 64
VALUES_AT_ONCE = 2**17


def nested_expectation(
    function: Callable[[Array], Array], kinks: Sequence[float], k11: Array, k12: Array, k22: Array
) -> Array:
    r""":math:`E[\phi(u)\phi(v)]` for pairs of shape (pair,); :math:`\phi` is smooth but at its kinks (or jumps).

    Raises:
        SpecError: if the moments of :math:`\phi` do not settle, as when a kink was not named.
    """
    larger, smaller = np.maximum(k11, k22), np.minimum(k11, k22)
    places, edges = _resolution(function, np.asarray(kinks, dtype=np.float64), np.unique((larger, smaller)))
    result = np.empty_like(k12)
    for start in range(0, len(k12), PAIRS_AT_ONCE):
        part = slice(start, start + PAIRS_AT_ONCE)
        result[part] = _nested(function, places, edges, larger[part], k12[part], smaller[part])
    return result


def _resolution(function: Callable[[Array], Array], kinks: Array, variances: Array) -> tuple[Array, Array]:
    """Places to split at and edges: the cheapest that give the function's first two moments at every variance."""
    for places in (kinks, np.concatenate((kinks, BENDS))):
        coarser = even_edges(HALF_RANGE, CELLS[0])
        moments = _moments(function, places, coarser, variances)
        for level, cells in enumerate(CELLS[1:], start=1):
            edges = even_edges(HALF_RANGE + level / 4, cells)  # also farther, to notice functions that grow too fast
            finer = _moments(function, places, edges, variances)
            if np.all(np.abs(finer - moments) <= TOLERANCE * finer[1]):
                return places, coarser
            coarser, moments = edges, finer
    message = (
        f"quadrature: the moments of the function do not settle for variances up to {variances[-1]:.3g}; "
        "it must be smooth between its kinks and of polynomial growth: name every kink or lower the variance"
    )
    raise SpecError(message)


def _moments(function: Callable[[Array], Array], places: Array, edges: Array, variances: Array) -> Array:
    """Mean and root mean square, shape (2, variance)."""
    centres, deviations = np.zeros_like(variances), np.sqrt(variances)
    mean = _smoothed(function, places, edges, centres, deviations)
    square = _smoothed(lambda x: function(x) ** 2, places, edges, centres, deviations)
    return np.stack((mean, np.sqrt(square)))


def _nested(
    function: Callable[[Array], Array], kinks: Array, edges: Array, k11: Array, k12: Array, k22: Array
) -> Array:
    """The outer integral, over the variable of larger variance (k11 >= k22)."""
    deviation = np.sqrt(k11)[:, None]
    slope = place(k12[:, None], deviation)
    spread = place(np.sqrt(determinant(k11, k12, k22))[:, None], deviation)
    middles, width = place(kinks, slope), place(spread, np.abs(slope))
    transitions = (middles[:, :, None] + width[:, :, None] * TRANSITION).reshape(len(k11), -1)
    nodes, weights = normal_rule(edges, np.concatenate((place(kinks, deviation), transitions), axis=1))
    spreads = np.broadcast_to(spread, nodes.shape)
    inner = _smoothed(function, kinks, edges, (slope * nodes).ravel(), spreads.ravel()).reshape(nodes.shape)
    return np.sum(weights * function(deviation * nodes) * inner, axis=1)


def _smoothed(function: Callable[[Array], Array], kinks: Array, edges: Array, mean: Array, spread: Array) -> Array:
    """``E[function(mean + spread z)]`` for mean and spread of shape (row,), a bounded number of rows at once."""
    result = np.array(function(mean))  # a copy: the identity would return the means themselves
    blurred = np.flatnonzero(spread)
    rows = max(1, VALUES_AT_ONCE // ((len(edges) + len(kinks)) * POINTS))
    for start in range(0, len(blurred), rows):
        part = blurred[start : start + rows]
        centre, width = mean[part, None], spread[part, None]
        nodes, weights = normal_rule(edges, place(kinks - centre, width))
        result[part] = np.sum(weights * function(centre + width * nodes), axis=1)
    return result
