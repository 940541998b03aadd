"""Edges of the support: where the derivative of log z by the moment transform vanishes on the real line."""

import numpy as np
import numpy.typing as npt

from widthwise.theory.free.equation import Equation, corrected, log_z, newton
from widthwise.theory.free.grid import NARROWEST, TAIL, Grid
from widthwise.theory.free.measure import Complex
from widthwise.theory.kernels import Array

ROUNDS = 60
"""Of the search for a zero, and of that for every chi, at most."""


def edges(system: Equation, grid: Grid) -> Array:
    """Where the support begins and ends, in ascending pairs: exact within roundings, or to the grid's spacing.

    A support that reaches below the grid begins at 0.
    """
    inside = grid.inside
    crossings = _apart(grid.log_x, np.flatnonzero(inside[1:] != inside[:-1]))
    below = grid.above[0] - grid.above[crossings]
    first = np.argmax(below > TAIL) if np.any(below > TAIL) else 0
    crossings = np.append(crossings[: first % 2], crossings[first:])
    left, right = grid.solution[crossings], grid.solution[crossings + 1]
    within = np.where(inside[crossings], left.unknowns, right.unknowns)
    beyond = np.where(inside[crossings], right.unknowns, left.unknowns)
    with np.errstate(all="ignore"):
        found = _critical(system, *(_with_chi(system, each.real + 0j) for each in (within, beyond)))
    margin = right.zeta.real - left.zeta.real
    near = (found > left.zeta.real - margin) & (found < right.zeta.real + margin)
    places = np.exp(np.where(near, found, (left.zeta.real + right.zeta.real) / 2))
    return np.concatenate([[0.0], places]) if inside[0] else places


def _apart(log_x: Array, crossings: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Without those of one place, where a density is infinite: an even number is none, an odd number one."""
    starts = np.flatnonzero(np.diff(log_x[crossings], prepend=-np.inf) > 10 * NARROWEST)
    groups = np.split(crossings, starts[1:])
    return np.array([each[0] for each in groups if len(each) % 2], dtype=np.intp)


def _critical(system: Equation, first: Complex, second: Complex) -> Array:
    """Where the derivative of log z by m is 0: log z, by the secant method from two real solutions each."""
    values = _derivative(system, first), _derivative(system, second)
    for _ in range(ROUNDS):
        way = values[1] * (second[0] - first[0]) / (values[1] - values[0])
        way = np.where(np.isfinite(way), way, 0.0)
        following = _with_chi(system, np.concatenate([second[:2] - way, second[2:]]))
        first, second = second, following
        values = values[1], _derivative(system, following)
        if not np.any(np.abs(way) > 1e-14 * np.abs(second[0])):
            break
    found: Array = log_z(system, second).real.astype(np.float64)
    return found


def _derivative(system: Equation, unknowns: Complex) -> Complex:
    """Of log z by m, at solutions for chi."""
    slopes = newton(system, unknowns, np.zeros(unknowns.shape[1], np.complex128)).slope
    return 1 / slopes[0]


def _with_chi(system: Equation, unknowns: Complex) -> Complex:
    """The same m with the chi that belong to it, by Newton's method."""
    now = unknowns.copy()
    for index, group in enumerate(system.groups, start=2):
        for _ in range(ROUNDS):
            step, _ = corrected(group, now[0], now[1], now[index])
            now[index] += step
            if not np.any(np.abs(step) > 1e-15 * np.abs(now[index])):
                break
    return now
