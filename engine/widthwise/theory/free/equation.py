r"""The equation of a chain: which moment transform m belongs to :math:`\zeta = \log z`, in factored form.

.. math:: \zeta = c + \sum_j p_j \log(m + \rho_j) + \sum_g q_g \log \chi_g, \qquad
    E\Big[\frac{d_g^2}{\chi_g - d_g^2}\Big] = \Lambda_g m

is :math:`z = \frac{1+m}{m} \prod 1 / S_l(\Lambda_l m)` of the mathematics, section 11. Its unknowns are m, which is
small at large z, :math:`s = m + \rho_0`, which is small at small z (:math:`\rho_0` being the mass above 0), so that
nothing cancels at either end, and every chi. What has an S-transform in closed form (weights; diagonals with one value
beside 0, as of relu) is among the roots :math:`\rho_j`, equal matrices share a term, and what is left has an unknown
:math:`\chi_g`. For Im z > 0 every m has Im m < 0 and every chi Im chi > 0: their logarithms are continuous, no winding
number is free, and a root on a wrong branch is none of this equation.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from widthwise.theory.free.chain import ROUNDING, Chain, Diagonal, Link
from widthwise.theory.free.compression import NODES, compressed
from widthwise.theory.free.measure import Complex, Measure
from widthwise.theory.kernels import Array


@dataclass(frozen=True, kw_only=True)
class Group:
    r"""``power`` diagonals of one law and one stretch :math:`\Lambda`.

    ``sums`` are the weights of the points that are not 0, times the points and as they are; ``offset`` is their mass
    over the stretch, less :math:`\rho_0`; ``exact`` says that the points are all that the law has.
    """

    points: Array
    sums: Array
    stretch: float
    offset: float
    power: float
    exact: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Equation:
    r"""The terms above: of root 0 the power ``pole``, of the others :math:`\rho_j - \rho_0` and their powers.

    ``rank`` is :math:`\rho_0`; ``first`` and ``second`` are the first two moments of the law.
    """

    constant: float
    rank: float
    pole: float
    offsets: Array
    powers: Array
    groups: tuple[Group, ...]
    first: float
    second: float

    @property
    def unknowns(self) -> int:
        """How many: m, s and every chi."""
        return 2 + len(self.groups)


class Correction(NamedTuple):
    r"""What Newton's method says at unknowns (unknown, point).

    ``step`` is to be added to them, ``slope`` is their derivative by :math:`\zeta`, ``residual`` (point,) is the
    largest relative error: of z, and of every chi for its m.
    """

    step: Complex
    slope: Complex
    residual: Array


@lru_cache(maxsize=8)
def equation(chain: Chain, resolution: int = 1) -> Equation:
    """The equation of a chain whose law is not all at 0, laws of diagonals `compressed` with that resolution."""
    constant, roots = 0.0, defaultdict[float, float](float, {0.0: -1.0, 1.0: 1.0})
    diagonals: list[tuple[Measure, float, float]] = []
    for link in chain.links:
        term, powers = _closed(link)
        constant += term
        for root, power in powers:
            roots[root] += power
        if isinstance(link.factor, Diagonal) and not _is_projection(link.factor):
            diagonals = _counted(diagonals, link.factor.squares, link.stretch)
    rank = 1 - chain.atom_at_zero
    offsets = [(_beyond(root, rank), power) for root, power in _united(roots) if power and root]
    first, second = chain.moments(2)
    return Equation(
        constant=constant,
        rank=rank,
        pole=roots[0.0],
        offsets=np.array([offset for offset, _ in offsets]),
        powers=np.array([power for _, power in offsets]),
        groups=tuple(_group(compressed(law, resolution), stretch, power, rank) for law, stretch, power in diagonals),
        first=first,
        second=second,
    )


def newton(system: Equation, unknowns: Complex, zeta: Complex) -> Correction:
    """Newton's correction, every chi eliminated with its own equation.

    Args:
        system: the equation.
        unknowns: shape (unknown, point).
        zeta: shape (point,).
    """
    m, s = unknowns[:2]
    error = log_z(system, unknowns) - zeta
    slope = system.powers @ (1 / (s + system.offsets[:, None]))
    if system.pole:
        slope = slope + system.pole / m
    residual, through = np.abs(error), np.zeros_like(m)
    step, tangent = np.empty_like(unknowns), np.empty_like(unknowns)
    for index, (group, chi) in enumerate(zip(system.groups, unknowns[2:], strict=True), start=2):
        step[index], tangent[index] = corrected(group, m, s, chi)
        slope = slope + group.power * tangent[index] / chi
        through = through + group.power * step[index] / chi
        residual = np.maximum(residual, np.abs(step[index] / chi))
    tangent[:2] = 1 / slope
    step[:2] = -(error + through) / slope
    step[2:] += tangent[2:] * step[0]
    tangent[2:] *= tangent[0]
    return Correction(step, tangent, residual)


def log_z(system: Equation, unknowns: Complex) -> Complex:
    r"""The right hand side for :math:`\zeta`, shape (point,)."""
    value: Complex = system.constant + system.powers @ log_below(unknowns[1] + system.offsets[:, None])
    if system.pole:
        value = value + system.pole * log_below(unknowns[0])
    for group, chi in zip(system.groups, unknowns[2:], strict=True):
        value = value + group.power * log_above(chi)
    return value


def corrected(group: Group, m: Complex, s: Complex, chi: Complex) -> tuple[Complex, Complex]:
    r"""Newton's correction of a chi at given m, and its derivative by m.

    Logarithms are compared: of :math:`E[d^2 / (\chi - d^2)]` with that of :math:`\Lambda m`, or of both with the mass
    of d^2 > 0 added, whichever is the smaller; either is nearly a power of chi at its end.
    """
    reciprocal = 1 / (chi - group.points[:, None])
    weighed, plain = group.sums @ reciprocal
    slope = -(group.sums[0] @ (reciprocal * reciprocal))
    large = np.abs(m) < np.abs(s)
    value: Complex = np.where(large, weighed, chi * plain)
    target: Complex = np.where(large, m, s + group.offset)
    power = value / slope
    return -power * (log_below(value) - log_below(group.stretch * target)), power / target


def far(system: Equation, zeta: Complex) -> Complex:
    """The unknowns at large z, to first order, shape (unknown, point)."""
    m = system.first * np.exp(-zeta)
    chis = [group.sums[0].sum() / (group.stretch * m) for group in system.groups]
    return np.stack([m, m + system.rank, *chis])


def moved(system: Equation, unknowns: Complex, way: Complex) -> Complex:
    """Unknowns moved: their logarithms, where these move by less than 1."""
    rate = way / unknowns
    return matched(system, np.where(np.abs(rate) < 1, unknowns * np.exp(rate), unknowns + way))


def matched(system: Equation, unknowns: Complex) -> Complex:
    """Unknowns whose m and s fit, the larger one made from the smaller, whose digits count."""
    m, s = unknowns[:2]
    small = np.abs(m) < np.abs(s)
    return np.stack([np.where(small, m, s - system.rank), np.where(small, m + system.rank, s), *unknowns[2:]])


def potential(system: Equation, unknowns: Complex, zeta: Complex) -> Complex:
    r"""``E[log(z - x)]``: :math:`(1 + m) \zeta - \int_0^m \zeta\,dm`, term by term in closed form, shape (point,).

    Its imaginary part at z = x + i0 is pi times the mass above x.
    """
    m, s = unknowns[:2]
    integral = system.constant * m + system.pole * (m * log_below(m) - m)
    for offset, power in zip(system.offsets, system.powers, strict=True):
        shifted, root = s + offset, offset + system.rank
        integral = integral + power * (shifted * log_below(shifted) - m - root * np.log(root))
    for group, chi in zip(system.groups, unknowns[2:], strict=True):
        share = group.points[:, None] / chi
        # Far from the points the difference of logarithms cancels; between them its sign is that of Im chi > 0.
        far_off = np.log1p(-np.where(np.abs(share) < 0.5, share, 0.0))
        logarithm = group.sums[1] @ np.where(
            np.abs(share) < 0.5, far_off, log_above(chi - group.points[:, None]) - log_above(chi)
        )
        integral = integral + group.power * (m * log_above(chi) - logarithm / group.stretch)
    return (1 + m) * zeta - integral


def log_moment(system: Equation) -> float:
    r"""``E[log x; x > 0]``: the real part of :math:`-\int_0^{-\rho_0} \zeta\,dm`, the limit of `potential` at 0."""
    m = -system.rank
    roots = system.offsets + system.rank
    integral = system.constant * m + system.pole * (special.xlogy(m, -m) - m)
    integral += system.powers @ (special.xlogy(system.offsets, system.offsets) - m - roots * np.log(roots))
    for group in system.groups:
        if group.offset:
            y = _opposite(group, system.rank)
            rest = m * np.log(y) - group.sums[1] @ np.log1p(group.points / y) / group.stretch
        else:
            rest = -group.sums[1] @ np.log(group.points) / group.stretch
        integral += group.power * rest
    return float(-integral)


def _opposite(group: Group, rank: float) -> float:
    """The y > 0 for which chi = -y belongs to m = -rank."""

    def excess(log_y: float) -> float:
        return float(np.sum(group.sums[0] / (np.exp(log_y) + group.points)) - group.stretch * rank)

    return float(np.exp(optimize.brentq(excess, -700.0, 700.0, xtol=1e-13)))


def log_below(x: Complex) -> Complex:
    """The logarithm that is continuous in the lower half plane and beyond its border."""
    return np.log(1j * x) - 0.5j * np.pi


def log_above(x: Complex) -> Complex:
    """The logarithm that is continuous in the upper half plane and beyond its border."""
    return np.log(-1j * x) + 0.5j * np.pi


def _closed(link: Link) -> tuple[float, list[tuple[float, float]]]:
    r"""What is known of :math:`\log(1 / S(\Lambda m))`: a constant, and powers of m + root.

    Of a diagonal that is no multiple of a projection the logarithm of its chi is missing.
    """
    factor, stretch = link.factor, link.stretch
    if isinstance(factor, Diagonal):
        places, masses = factor.squares.positive
        if _is_projection(factor):
            return float(np.log(places[0])), [(1 / stretch, -1.0), (masses[0] / places[0] / stretch, 1.0)]
        return 0.0, [(1 / stretch, -1.0), (0.0, 1.0)]
    if factor.law == "iid":
        return float(np.log(factor.variance * stretch)), [(factor.ratio / stretch, 1.0)]
    if factor.ratio >= 1:
        return float(np.log(factor.variance * factor.ratio)), []
    return float(np.log(factor.variance)), [(factor.ratio / stretch, 1.0), (1 / stretch, -1.0)]


def _is_projection(factor: Diagonal) -> bool:
    """Whether it is a multiple of one."""
    return len(factor.squares.positive[0]) == 1


def _counted(
    diagonals: list[tuple[Measure, float, float]], squares: Measure, stretch: float
) -> list[tuple[Measure, float, float]]:
    """Laws and stretches with how often they occur, with one more."""
    for index, (measure, other, count) in enumerate(diagonals):
        if other == stretch and _are_equal(measure, squares):
            return [*diagonals[:index], (measure, stretch, count + 1), *diagonals[index + 1 :]]
    return [*diagonals, (squares, stretch, 1.0)]


def _are_equal(first: Measure, second: Measure) -> bool:
    return np.array_equal(first.points, second.points) and np.array_equal(first.weights, second.weights)


def _group(measure: Measure, stretch: float, power: float, rank: float) -> Group:
    points, masses = measure.positive
    offset = _beyond((1 - measure.atom_at_zero) / stretch, rank)
    sums = np.stack([masses, masses / points])
    return Group(points=points, sums=sums, stretch=stretch, offset=offset, power=power, exact=len(points) <= NODES)


def _beyond(root: float, rank: float) -> float:
    """The difference, 0 if it is one of roundings."""
    return root - rank if root - rank > ROUNDING * rank else 0.0


def _united(roots: dict[float, float]) -> list[tuple[float, float]]:
    """Roots in ascending order, those that differ by roundings united."""
    united: list[tuple[float, float]] = []
    for root in sorted(roots):
        if united and root - united[-1][0] <= ROUNDING * root:
            united[-1] = (united[-1][0], united[-1][1] + roots[root])
        else:
            united.append((root, roots[root]))
    return united
