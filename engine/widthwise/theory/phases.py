r"""Order and chaos: where variances and correlations tend to in an MLP of infinite width and depth.

With the kernels of an activation, v the weight variance and b the bias variance, layer by layer

.. math:: q \to v\,E[\phi(u)^2] + b, \qquad c \to \frac{v\,E[\phi(u)\phi(u')] + b}{q^*},

u of variance q, and (u, u') of variances q* and correlation c. Correlations tend to 1 (order) where the slope
:math:`\chi_1 = v\,E[\phi'(u)^2]` of the second map at c = 1 is at most 1, else to :math:`c^* < 1` (chaos). It is also
the factor by which the mean square of an error signal grows from a deep layer to the one before.

Functions are elementwise and broadcast. Sources: Poole et al. 2016 (1606.05340); Schoenholz et al. 2017 (1611.01232).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from widthwise.theory.kernels import Array, Dual

START = 1.0
"""The variance from which fixed points are looked for: that of inputs normalised to the root of their dimension."""

SMALLEST, LARGEST = 1e-12, 1e9
"""Variances that count as 0 and as infinite."""

ROUNDS, ROUNDING = 60, 1e-14
"""Of root finding at most, and the relative step that ends it; some 8 rounds are usual."""


def variance_fixed_point(dual: Dual, weight_variance: npt.ArrayLike, bias_variance: npt.ArrayLike) -> Array:
    r""":math:`q^* = v\,E[\phi(u)^2] + b`, the variance of preactivations in deep layers.

    Of several the one that a growing or shrinking variance meets first from 1 on; inf where it grows without bound (of
    relu for v > 2, and for v = 2 with b > 0), 0 where it vanishes. Where all are fixed (relu, v = 2, b = 0) it is 1.

    Source:
        1606.05340, equation 3.
    """
    v, b = _pair(weight_variance, bias_variance)
    return _crossing(lambda q: v * dual.kernel(q, q, q) + b - q, v.shape)


def chi_1(dual: Dual, weight_variance: npt.ArrayLike, bias_variance: npt.ArrayLike) -> Array:
    r""":math:`\chi_1 = v\,E[\phi'(u)^2]` at q*: below 1 order, above 1 chaos.

    Where q* is infinite it is that of a very large variance, which of relu is that of any.

    Source:
        1606.05340, equation 6; 1611.01232, equation 5.
    """
    v, b = _pair(weight_variance, bias_variance)
    return v * _slope(dual, variance_fixed_point(dual, v, b))


def correlation_map(
    dual: Dual, weight_variance: npt.ArrayLike, bias_variance: npt.ArrayLike, correlation: npt.ArrayLike
) -> Array:
    r""":math:`C(c) = (v\,E[\phi(u)\phi(u')] + b) / q^*`, the correlation one layer later, at the variance q*.

    NaN where q* is 0 or infinite.

    Source:
        1606.05340, equation 5.
    """
    v, b = _pair(weight_variance, bias_variance)
    return _mapped(dual, v, b, variance_fixed_point(dual, v, b), np.asarray(correlation, dtype=np.float64))


def correlation_fixed_point(dual: Dual, weight_variance: npt.ArrayLike, bias_variance: npt.ArrayLike) -> Array:
    """The correlation c* in deep layers, of inputs whose correlation is not negative; below 1 only in chaos.

    A power series with nonnegative coefficients that is 1 at 1 meets the diagonal below 1 if its slope there exceeds 1,
    once, and else nowhere. NaN where q* is 0 or infinite.

    Source:
        1606.05340, section 3; power series: Daniely et al. 2016 (1602.05897).
    """
    v, b = _pair(weight_variance, bias_variance)
    q = variance_fixed_point(dual, v, b)
    chi = v * _slope(dual, q)

    def excess(c: Array) -> Array:
        rest = np.where(c < 1, 1 - c, 1.0)
        return np.where(c < 1, (_mapped(dual, v, b, q, c) - c) / rest, 1 - chi)

    return np.where(_proper(q), _root(excess, np.zeros(v.shape), np.ones(v.shape)), np.nan)


def critical_weight_variance(dual: Dual, bias_variance: npt.ArrayLike) -> Array:
    r"""The weight variance at which :math:`\chi_1 = 1`, for each bias variance: the line between order and chaos.

    Along it :math:`v = 1 / E[\phi'(u)^2]` and :math:`b = q - v\,E[\phi(u)^2]`, functions of q alone. Of relu it is 2,
    though q* is infinite there for b > 0; inf where no weight variance is critical. Where several are (gelu without
    bias: 4, from small variances, and 2, from large ones), one of them.

    Source:
        1611.01232, section 3.
    """
    b = np.asarray(bias_variance, dtype=np.float64)

    def bias_beyond(q: Array) -> Array:
        with np.errstate(divide="ignore"):
            return b - (q - dual.kernel(q, q, q) / _slope(dual, q))

    with np.errstate(divide="ignore"):
        return 1 / _slope(dual, _crossing(bias_beyond, b.shape))


def _pair(weight_variance: npt.ArrayLike, bias_variance: npt.ArrayLike) -> tuple[Array, Array]:
    v, b = np.broadcast_arrays(weight_variance, bias_variance)
    return v.astype(np.float64), b.astype(np.float64)


def _slope(dual: Dual, q: Array) -> Array:
    """``E[phi'(u)^2]``, at an infinite variance that of the largest."""
    finite = np.minimum(q, LARGEST)
    return dual.derivative_kernel(finite, finite, finite)


def _mapped(dual: Dual, v: Array, b: Array, q: Array, c: Array) -> Array:
    known = np.where(_proper(q), q, 1.0)
    mapped = (v * dual.kernel(known, c * known, known) + b) / known
    return np.where(_proper(q), mapped, np.nan)


def _proper(q: Array) -> npt.NDArray[np.bool_]:
    return (q > 0) & np.isfinite(q)


def _crossing(excess: Callable[[Array], Array], shape: tuple[int, ...]) -> Array:
    """Where ``excess`` of a positive number falls below 0, looked for from `START` on by doubling or halving.

    0 or inf if it does so beyond the smallest or largest number; `START` if it is 0 there.
    """
    start = np.full(shape, START)
    at_start = excess(start)
    outside, beyond = _walked(excess, start, at_start)
    low, high = np.minimum(outside, beyond), np.maximum(outside, beyond)
    found = _root(excess, low, high)
    found = np.where((at_start > 0) & (beyond >= LARGEST), np.inf, found)
    found = np.where((at_start < 0) & (beyond <= SMALLEST), 0.0, found)
    return np.where(at_start == 0, start, found)


def _walked(excess: Callable[[Array], Array], start: Array, at_start: Array) -> tuple[Array, Array]:
    """The last number with the sign of ``at_start``, and the first beyond; that may be the end."""
    before = here = start
    factor = np.where(at_start > 0, 2.0, 0.5)
    open_ = at_start != 0
    while np.any(open_):
        before, here = np.where(open_, here, before), np.where(open_, factor * here, here)
        inside = (here > SMALLEST) & (here < LARGEST)
        open_ = open_ & inside & (np.sign(excess(here)) == np.sign(at_start))
    return before, here


def _root(excess: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The sign change between two numbers, the higher one if there is none.

    By regula falsi that halves the value at an end that stays (Illinois).
    """
    stays, latest = low, high
    at_stays, at_latest = excess(low), excess(high)
    for _ in range(ROUNDS):
        with np.errstate(invalid="ignore", divide="ignore"):
            share = at_latest / (at_latest - at_stays)
        following = latest + np.where((share >= 0) & (share <= 1), share, 0.0) * (stays - latest)
        if np.all(np.abs(following - latest) <= ROUNDING * np.abs(latest)):
            break
        value = excess(following)
        passed = np.sign(value) != np.sign(at_latest)
        stays, at_stays = np.where(passed, latest, stays), np.where(passed, at_latest, at_stays / 2)
        latest, at_latest = following, value
    return latest
