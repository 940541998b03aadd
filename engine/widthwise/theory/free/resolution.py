"""Resolution: how fine laws of diagonals must be taken: a solution shows how near to their points it comes."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from widthwise.errors import WidthwiseError
from widthwise.theory.free.chain import Chain
from widthwise.theory.free.compression import ANGLE
from widthwise.theory.free.equation import Equation, equation
from widthwise.theory.free.lilypads import Solution

RESOLUTIONS = (1, 6)
"""Tried in this order; the last is taken as it is."""

Answer = TypeVar("Answer")


def resolved(
    chain: Chain, solved: Callable[[Equation], Answer], solution: Callable[[Answer], Solution]
) -> tuple[Equation, Answer]:
    """The equation of a chain and what ``solved`` makes of it, with the coarsest laws of diagonals that suffice.

    Args:
        chain: the product.
        solved: what is to be found out with an equation.
        solution: the points of an answer that count.

    Raises:
        WidthwiseError: Newton's method did not reach a point at the finest resolution; names it.
    """
    for resolution in RESOLUTIONS[:-1]:
        system = equation(chain, resolution)
        try:
            answer = solved(system)
        except WidthwiseError:
            if all(group.exact for group in system.groups):
                raise
            continue
        if _least_angle(system, solution(answer)) >= ANGLE / resolution:
            return system, answer
    system = equation(chain, RESOLUTIONS[-1])
    return system, solved(system)


def _least_angle(system: Equation, found: Solution) -> float:
    """The smallest argument of a chi that is not beyond its points."""
    least = np.pi
    for group, chi in zip(system.groups, found.unknowns[2:], strict=True):
        among = chi[np.abs(chi) < group.points[-1]]
        if not group.exact and len(among):
            least = min(least, float(np.angle(among).min()))
    return least
