r"""Mehler's series: the kernel of a function from its Hermite coefficients, which are one integral a variance.

For a pair of correlation :math:`\rho`,
:math:`E[\phi(u)\phi(v)] = \sum_k c_k(k_{11}) c_k(k_{22}) \rho^k` with
:math:`c_k(q) = E[\phi(\sqrt q z) h_k(z)]` and :math:`h_k` the normalised Hermite polynomials. Degenerate pairs need no
care, and what the terms from k on can still add is known: by Parseval at most :math:`|\rho|^k` times the geometric mean
of both remainders :math:`E[\phi(\sqrt q z)^2] - \sum_{j<k} c_j^2`. The series ends soon for analytic functions, and
for others unless the correlation is near one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from widthwise.theory.kernels import Array
from widthwise.theory.pairs import ROUNDING, correlation
from widthwise.theory.panels import even_edges, normal_rule, place

Places: TypeAlias = npt.NDArray[np.intp]

HALF_RANGE = 13.0  # the root of the normal density, which multiplies a Hermite function, is 1e-19 there
CHECK_RANGE = 12.0  # another one, to notice functions that grow too fast for either
STEPS = tuple(2.0 ** (-2 - level / 2) for level in range(9))
KINKED_ORDERS = 512
BLOCK = 32  # orders between two looks at the remainders
TOLERANCE = 1e-13


@dataclass(frozen=True, kw_only=True)
class Samples:
    """A function where the integrals need it: ``nodes`` and ``weights`` (row or 1, node), ``values`` (row, node)."""

    nodes: Array
    weights: Array
    values: Array


def hermite_expectation(
    function: Callable[[Array], Array], kinks: Sequence[float], k11: Array, k12: Array, k22: Array
) -> Array:
    r""":math:`E[\phi(u)\phi(v)]` for pairs of shape (pair,), NaN for those whose series does not end.

    Errors are about 1e-13 of :math:`\sqrt{E[\phi(u)^2] E[\phi(v)^2]}`.
    """
    variances, index = np.unique(np.concatenate((k11, k22)), return_inverse=True)
    first, second = index[: k11.size], index[k11.size :]
    rho = correlation(k11, k12, k22)
    deviations = np.sqrt(variances)[:, None]
    if kinks:
        places = place(np.asarray(kinks), deviations)
        samples = _on_panels(function, deviations, places, even_edges(HALF_RANGE, 60))
        check = _on_panels(function, deviations, places, even_edges(CHECK_RANGE, 45))
        return _series(samples, check, KINKED_ORDERS, first, second, rho)
    total = np.full_like(rho, np.nan)
    for step in STEPS:
        samples = _on_grid(function, deviations, step)
        edges = even_edges(CHECK_RANGE, round(CHECK_RANGE / (4 * step)))
        check = _on_panels(function, deviations, np.empty((1, 0)), edges)
        total = _series(samples, check, round((2 / step) ** 2), first, second, rho)
        if not np.any(np.isnan(total)):
            break
    return total


def _on_grid(function: Callable[[Array], Array], deviations: Array, step: float) -> Samples:
    """The trapezoidal rule, exponentially convergent here (Trefethen and Weideman, SIAM Review 56, 2014)."""
    count = round(HALF_RANGE / step)
    nodes = step * np.arange(-count, count + 1, dtype=np.float64)[None, :]
    weights = step * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    return Samples(nodes=nodes, weights=weights, values=function(deviations * nodes))


def _on_panels(function: Callable[[Array], Array], deviations: Array, places: Array, edges: Array) -> Samples:
    """Also the check of the grid: uneven nodes do not mistake a fast oscillation for a slow one."""
    nodes, weights = normal_rule(edges, places)
    return Samples(nodes=nodes, weights=weights, values=function(deviations * nodes))


def _series(samples: Samples, check: Samples, orders: int, first: Places, second: Places, rho: Array) -> Array:
    """The sum over at most so many orders; NaN where it has not ended, or if the nodes do not resolve the function."""
    means, norms = _moments(samples)
    other_means, other_norms = _moments(check)
    resolved = np.abs(norms - other_norms) <= TOLERANCE * norms
    resolved &= np.abs(means - other_means) <= TOLERANCE * np.sqrt(norms)
    if not np.all(resolved):
        return np.full_like(rho, np.nan)
    roots = np.sqrt(samples.weights)
    values = samples.values * roots
    before, now, after = np.zeros_like(roots), roots, np.empty_like(roots)
    left = norms.copy()
    total, power = np.zeros_like(rho), np.ones_like(rho)
    ended = np.zeros(rho.shape, dtype=bool)
    for order in range(orders):
        coefficients = np.vecdot(values, now)
        total += coefficients[first] * coefficients[second] * power
        power *= rho
        left -= coefficients**2
        np.multiply(samples.nodes, now, out=after)  # three buffers in turn: this recurrence is what takes the time
        before *= np.sqrt(order)
        after -= before
        after /= np.sqrt(order + 1)
        before, now, after = now, after, before
        if order % BLOCK == BLOCK - 1:
            # A remainder below rounding is not known: taking it for zero would hide the partner's.
            share = np.sqrt(np.maximum(np.abs(left) / np.where(norms > 0, norms, 1.0), ROUNDING))
            ended = np.abs(power) * share[first] * share[second] <= TOLERANCE
            if np.all(ended):
                break
    return np.where(ended, total, np.nan)


def _moments(samples: Samples) -> tuple[Array, Array]:
    """Mean and mean square of every row."""
    mean = np.sum(samples.weights * samples.values, axis=1)
    square = np.sum(samples.weights * samples.values**2, axis=1)
    return mean, square
