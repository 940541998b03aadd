r"""The way down: the equation of blocks solved far above the real axis and followed to where it is wanted.

At every point Im z falls by equal factors from where iteration converges; Newton's method goes on from the level
before, and where it does not get there at once, the step is halved. Where neighbours are known, it begins between
them. The solution whose imaginary parts are positive is unique in the upper half plane (Helton, Rashidi Far and
Speicher 2007), and that sign is asked of every answer.
"""

import numpy as np
import numpy.typing as npt

from widthwise.errors import WidthwiseError
from widthwise.theory.free.block_equation import Equation, Evaluation, State
from widthwise.theory.free.measure import Complex
from widthwise.theory.kernels import Array

Mask = npt.NDArray[np.bool_]

RATIO = 1.6
"""At most, the logarithm of Im z at one level by that at the next."""

RESIDUAL = 1e-9
"""The relative residual of an answer."""

ROUNDED = 1e-7
"""The largest one, where roundings leave no less: far from a narrow support X is nearly singular."""

ABOVE = 0.1
"""Im z by the modulus of z where half planes are easily told apart."""

STEPS = 12
"""Newton's, at most, before a step down is halved."""

HALVINGS = 12
"""At most, of one step down."""


def top(equation: Equation) -> complex:
    """A z far above the spectrum: four times a bound of it, as matrices have at most twice their deviation."""
    norms = abs(equation.skip) + 2 * np.sqrt(equation.variance) * np.abs(equation.slopes).max(1)
    return 4j * float(np.prod(norms)) ** 2


def descend(equation: Equation, z: Complex) -> tuple[State, Evaluation]:
    """The solution at points (point,) of the upper half plane, from the top.

    Raises:
        WidthwiseError: a point was not reached; names it.
    """
    height = top(equation).imag
    levels = max(1, int(np.ceil(np.log(height / z.imag.min()) / RATIO)))
    state, found = start(equation)
    everywhere = np.zeros(len(z), np.intp)
    state, found, before = state.at(everywhere), found.at(everywhere), np.full(len(z), top(equation))
    for level in range(levels + 1):
        there = z.real + 1j * height * (z.imag / height) ** (level / levels)
        state, found = _carried(equation, before, there, state, HALVINGS)
        before = there
    return state, found


def settle(equation: Equation, z: Complex, guess: State) -> tuple[State, Evaluation]:
    """The solution near a guess; where Newton's method does not find it, from above, and if need be from the top.

    Its derivatives are first those by few coordinates. Near edges of the support only exact ones contract.

    Raises:
        WidthwiseError: a point was not reached; names it.
    """
    state, found, arrived = _solved(equation, z, guess, equation.few)
    lost = np.flatnonzero(~arrived)
    if len(lost):
        rest, evaluation = _from_above(equation, z[lost], guess.at(lost))
        return state.put(lost, rest), found.put(lost, evaluation)
    return state, found


def _from_above(equation: Equation, z: Complex, guess: State) -> tuple[State, Evaluation]:
    above = z.real + 1j * np.maximum(ABOVE * np.abs(z), z.imag)
    state, _, arrived = _solved(equation, above, guess, equation.slopes)
    if not arrived.all():
        return descend(equation, z)
    return _carried(equation, above, z, state, HALVINGS)


def start(equation: Equation) -> tuple[State, Evaluation]:
    """The solution at the top, by iteration from what is left of the equation for infinite z."""
    z = np.array([top(equation)])
    diagonal = np.diag(np.mean(equation.slopes**2, 1)).astype(complex)
    x = -equation.variance * diagonal[None] / z[:, None, None]
    state = State(x=x, y=np.zeros_like(x))
    for _ in range(2 * equation.layers):
        state = equation.evaluated(z, state).found
    state, found, arrived = _solved(equation, z, state, equation.slopes)
    if not arrived.all():
        _refuse(z[0])
    return state, found


def _carried(
    equation: Equation, before: Complex, there: Complex, state: State, halvings: int
) -> tuple[State, Evaluation]:
    """The solution at some points, from that at others below or above them."""
    moved, found, arrived = _solved(equation, there, state, equation.slopes)
    lost = np.flatnonzero(~arrived)
    if not len(lost):
        return moved, found
    if not halvings:
        _refuse(there[lost[0]])
    middle = (before[lost].real + there[lost].real) / 2 + 1j * np.sqrt(before[lost].imag * there[lost].imag)
    half, _ = _carried(equation, before[lost], middle, state.at(lost), halvings - 1)
    rest, evaluation = _carried(equation, middle, there[lost], half, halvings - 1)
    return moved.put(lost, rest), found.put(lost, evaluation)


def _solved(equation: Equation, z: Complex, state: State, slopes: Array) -> tuple[State, Evaluation, Mask]:
    """By Newton's method with derivatives by these slopes, with whether it arrived (point,)."""
    found = equation.evaluated(z, state)
    before = np.full(len(z), np.inf)
    for _ in range(STEPS):
        stalled = (found.residual < ROUNDED) & (found.residual > before / 2)
        going = np.flatnonzero((found.residual >= RESIDUAL) & np.isfinite(found.residual) & ~stalled)
        if not len(going):
            break
        before = np.where(stalled, before, found.residual)
        moved = equation.newton(z[going], state.at(going), found.at(going), slopes)
        state = state.put(going, moved)
        found = found.put(going, equation.evaluated(z[going], moved))
    return state, found, (found.residual < ROUNDED) & _positive(found)


def _positive(found: Evaluation) -> Mask:
    """Whether imaginary parts are those of a resolvent, (point,)."""
    inside = found.trace.imag > 0
    for each in (found.found.x, found.found.y):
        finite: Mask = np.all(np.isfinite(each), axis=(1, 2))
        least = np.linalg.eigvalsh(np.where(finite[:, None, None], each, 0).imag)[:, 0]
        inside = inside & finite & (least >= -RESIDUAL * np.abs(each).max((1, 2)))
    return inside


def _refuse(z: complex) -> None:
    message = (
        f"block spectrum: Newton's method did not reach z = {z:.6g} by steps cut {HALVINGS} times; choose slopes that "
        "are less extreme"
    )
    raise WidthwiseError(message)
