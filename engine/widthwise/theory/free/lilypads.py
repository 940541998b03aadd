r"""Newton lilypads: the moment transform at many points at once, from where it is known to where it is wanted.

Each point hops along a straight line in :math:`\zeta = \log z` from a common place of large Im z, with a step of its
own: a place is a lilypad if Newton's method converges there from the one before by the theorem of Newton and
Kantorovich, whose constant is estimated from two corrections (Deuflhard 2011, 2.1); else the step is cut. Of many
points only some hop all the way. The others begin between two neighbours that have arrived, and hop if that fails.

Source:
    FPNN (2111.00841), algorithm 1; Deuflhard, Newton Methods for Nonlinear Problems, 2011.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from widthwise.errors import WidthwiseError
from widthwise.theory.free.equation import Correction, Equation, far, matched, moved, newton
from widthwise.theory.free.measure import Complex
from widthwise.theory.kernels import Array

CONTRACTION = 0.25
"""The second correction over the first: below, the constant of Newton and Kantorovich is below 1/2."""

LEAST = 1e-6
"""Times s: an m that is smaller is as good as 0."""

LONGEST = 0.3
"""The largest first correction, relative to the unknowns, with which a place counts as near."""

TURN = 0.5
"""Of the derivative on a hop: a root beyond a place where it vanishes is another one."""

HOPS, FEW_HOPS = 200, 12
"""At most, of every point all the way, and from the nearest that has arrived."""

SLOW = 0.9
"""Contraction that is enough on a lilypad: at an edge, where two roots meet, it is 1/2."""

CORRECTIONS = 40
"""At most, at the end of the way."""

SMALL = 1e-8
"""A relative correction below need not contract: near an edge roundings keep it from doing so."""

CONVERGED = 1e-14
"""A relative correction below leaves nothing but rounding."""

SOLVED = 5e-11
"""The largest relative residual of an answer."""

ROUNDING = 1e-14
"""Of the angle of an unknown."""

COARSE = 48
"""Points that hop all the way, of those that are asked for at once."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Solution:
    r"""Where the equation is solved, in ascending order of Re :math:`\zeta`.

    ``zeta`` and ``residuals`` are of shape (point,), ``unknowns`` and their derivatives by zeta, ``slopes``, of shape
    (unknown, point): m first.
    """

    zeta: Complex
    unknowns: Complex
    slopes: Complex
    residuals: Array

    def __getitem__(self, points: slice | npt.NDArray[np.intp] | Mask) -> "Solution":
        return Solution(
            zeta=self.zeta[points],
            unknowns=self.unknowns[:, points],
            slopes=self.slopes[:, points],
            residuals=self.residuals[points],
        )

    def __add__(self, other: "Solution") -> "Solution":
        zeta = np.concatenate([self.zeta, other.zeta])
        both = Solution(
            zeta=zeta,
            unknowns=np.concatenate([self.unknowns, other.unknowns], axis=1),
            slopes=np.concatenate([self.slopes, other.slopes], axis=1),
            residuals=np.concatenate([self.residuals, other.residuals]),
        )
        return both[np.argsort(zeta.real, kind="stable")]


def solve(system: Equation, zeta: Complex) -> Solution:
    r"""The unknowns at :math:`\zeta = \log z`, :math:`0 < Im \zeta \le \pi`, shape (point,) of any order.

    Raises:
        WidthwiseError: a point was not reached; names it.
    """
    ascending = np.sort(zeta)
    stride = 1 << max(0, int(np.ceil(np.log2(max(len(zeta), 1) / COARSE))))
    first = np.arange(0, len(zeta), stride)
    found, left = _from_far(system, ascending[first]), ascending[:0]
    while stride > 1:
        more, lost = pointed(system, found, ascending[stride // 2 :: stride])
        found, left = found + more, np.append(left, lost)
        stride //= 2
    return found + _from_far(system, np.sort(left)) if len(left) else found


def _from_far(system: Equation, zeta: Complex) -> Solution:
    """The solution at ascending points by hops all the way.

    Raises:
        WidthwiseError: a point was not reached; names it.
    """
    with np.errstate(all="ignore"):
        found, fine = _arrived(system, _sources(system, len(zeta)), zeta, HOPS)
    require_none(zeta[~fine])
    return found


def require_none(missed: Complex | Array) -> None:
    """Refuse to go on without points that were not reached.

    Raises:
        WidthwiseError: there is one; names it.
    """
    if len(missed):
        message = (
            f"spectrum: Newton's method does not reach z = exp({missed[0]:.6g}); nothing is known of the law there"
        )
        raise WidthwiseError(message)


def pointed(system: Equation, known: Solution, zeta: Complex) -> tuple[Solution, Complex]:
    """The solution at those of ascending points that known neighbours point to, and the others."""
    with np.errstate(all="ignore"):
        found, fine = polished(system, _between(known, zeta), zeta)
    return found[fine], zeta[~fine]


def reached(system: Equation, known: Solution, zeta: Complex) -> tuple[Solution, Complex]:
    """The solution at those of ascending points that are reached, and the others.

    They are where known neighbours point to, or hops from the nearest one lead, or hops all the way.
    """
    found, left = pointed(system, known, zeta)
    with np.errstate(all="ignore"):
        for starts, hops in ((known[_nearest(known, left)], FEW_HOPS), (None, HOPS)):
            if len(left):
                again, fine = _arrived(system, starts or _sources(system, len(left)), left, hops)
                found, left = found + again[fine], left[~fine]
    return found, left


def _arrived(system: Equation, starts: Solution, zeta: Complex, hops: int) -> tuple[Solution, Mask]:
    return polished(system, _hopped(system, starts, zeta, hops), zeta, SLOW)


def _sources(system: Equation, count: int) -> Solution:
    """Where all hops begin, as often as there are points."""
    return _source(system)[np.zeros(count, np.intp)]


def _nearest(known: Solution, zeta: Complex) -> npt.NDArray[np.intp]:
    middles = (known.zeta.real[1:] + known.zeta.real[:-1]) / 2
    return np.searchsorted(middles, zeta.real)


def polished(
    system: Equation, unknowns: Complex, zeta: Complex, contraction: float = CONTRACTION
) -> tuple[Solution, Mask]:
    """Newton's method from given unknowns to the end, and where it got there.

    It did where corrections contracted from the first on, what is left is rounding, and half planes are right.
    """
    now, size = matched(system, unknowns), np.full(zeta.shape, np.inf)
    correction = newton(system, now, zeta)
    fine = np.ones(zeta.shape, np.bool_)
    for _ in range(CORRECTIONS):
        step = _size(correction, now)
        fine &= (step <= contraction * size) | (step < SMALL) | (correction.residual < SOLVED)
        going = fine & (step > CONVERGED) & (step < size)
        if not going.any():
            break
        now[:, going] = moved(system, now[:, going], correction.step[:, going])
        size = np.where(going, step, size)
        correction = newton(system, now, zeta)
    found = Solution(zeta=zeta, unknowns=now, slopes=correction.slope, residuals=correction.residual)
    inside = _inside(now, ROUNDING * (np.abs(now) + np.abs(correction.slope)))
    return found, fine & inside & (correction.residual < SOLVED)


def _between(known: Solution, wanted: Complex) -> Complex:
    """Guesses by cubic interpolation between neighbours, or beyond the ends."""
    places, values, slopes = known.zeta, known.unknowns, known.slopes
    if len(places) < 2:
        return np.repeat(values, len(wanted), axis=1)
    right = np.clip(np.searchsorted(places.real, wanted.real), 1, len(places) - 1)
    left = right - 1
    width = places[right] - places[left]
    t, rise = (wanted - places[left]) / width, values[:, right] - values[:, left]
    bends = slopes[:, left] * width - rise, rise - slopes[:, right] * width
    cubic: Complex = values[:, left] + t * rise + t * (1 - t) * ((1 - t) * bends[0] + t * bends[1])
    return cubic


def _hopped(system: Equation, starts: Solution, zeta: Complex, hops: int) -> Complex:
    """Unknowns near the end of the way of every point, or where it ended before."""
    way = zeta - starts.zeta
    now, slope = starts.unknowns.copy(), starts.slopes.copy()
    done, hop = np.zeros(len(zeta)), np.full(len(zeta), 0.125)
    for _ in range(hops):
        going = np.flatnonzero((done < 1) & (hop > 1e-14))
        if not len(going):
            return now
        length = np.minimum(hop[going], 1 - done[going])
        there = starts.zeta[going] + (done[going] + length) * way[going]
        guess = moved(system, now[:, going], slope[:, going] * (length * way[going]))
        first = newton(system, guess, there)
        middle = matched(system, guess + first.step)
        second = newton(system, middle, there)
        landed = matched(system, middle + second.step)
        sizes = _size(first, guess), _size(second, middle)
        contraction = sizes[1] / np.maximum(sizes[0], 1e-14)
        turn = _turn(now[:, going], slope[:, going], landed, second.slope)
        converges = (contraction <= CONTRACTION) | (sizes[1] < SMALL) | (second.residual < SOLVED)
        fine = converges & (sizes[0] < LONGEST) & (turn < TURN)
        fine &= _inside(landed, contraction * sizes[1] * np.abs(landed))
        here = going[fine]
        now[:, here], slope[:, here] = landed[:, fine], second.slope[:, fine]
        done[here] = np.where(length[fine] < hop[here], 1.0, done[here] + length[fine])
        hop[here] *= np.where(contraction[fine] < CONTRACTION / 8, 2.0, 1.0)
        hop[going[~fine]] /= 4
    return now


@lru_cache(maxsize=4)
def _source(system: Equation) -> Solution:
    """A place where the first order is a lilypad."""
    height = np.log(system.second / system.first) + 2.0
    for _ in range(200):
        place = np.array([height + 0.5j * np.pi])
        guess = far(system, place)
        first = newton(system, guess, place)
        middle = moved(system, guess, first.step)
        second = newton(system, middle, place)
        size = _size(first, guess)[0]
        if size < SMALL or (size < LONGEST and _size(second, middle)[0] < CONTRACTION / 4 * size):
            return polished(system, middle, place)[0]
        height += 1.0
    message = f"spectrum: no place to start from up to log z = {height:.3g}; the law has no moments to speak of"
    raise WidthwiseError(message)


def _size(correction: Correction, unknowns: Complex) -> Array:
    """The largest relative correction; NaN counts as infinite. Between bands of a law m passes through 0."""
    scale = np.abs(unknowns)
    scale[0] += LEAST * scale[1]
    size = np.max(np.abs(correction.step) / scale, axis=0)
    return np.where(np.isfinite(size), size, np.inf)


def _inside(unknowns: Complex, scale: Array | float) -> Mask:
    """Whether m is in the lower and every chi in the upper half plane, up to ``scale``."""
    heights = np.concatenate([-unknowns[:2].imag, unknowns[2:].imag])
    inside: Mask = np.all(heights > -scale, axis=0)
    return inside


def _turn(here: Complex, slope: Complex, there: Complex, slope_there: Complex) -> Array:
    """By how much the derivative of log z by log m, or by log s, changes on a hop, relative to itself."""
    rates = (slope[:2] / here[:2]) / (slope_there[:2] / there[:2])
    return np.min(np.abs(rates - 1), axis=0)
