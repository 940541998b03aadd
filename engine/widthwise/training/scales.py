"""Scales: what the powers of n and the constants of a parametrization come to for one parameter."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from widthwise.spaces import Matrix, Space
from widthwise.theory.parametrizations import HALF, Exponents
from widthwise.training.rule import Plan

Kind = Literal["input", "hidden", "output", "bias"]


@dataclass(frozen=True, kw_only=True)
class Scales:
    r"""Of weights :math:`W = \alpha n^{-a} w`, where w is initially :math:`\beta n^{-b}` times standard normal.

    .. math:: w \leftarrow w - \eta\,\rho\,n^{-c}\,Q(\delta\,n^d \nabla_w L).

    Attributes:
        initial: what initial weights as the space draws them are multiplied by.
        across: what a mean over columns of D, the updates in units of :math:`n^{-c}`, is multiplied by in W x.
        down: what a mean over rows of D is multiplied by in the product with the transpose.
        gradient: what sums of products left right^T are multiplied by to be what Q sees.
        rate: :math:`\rho`.
        deviation: :math:`\beta`.
        entry: what D is multiplied by in :math:`n^b w`; 0 unless the size of that is asked for, by relative updates.

    Source: TP4b 2.2, 2.9.
    """

    initial: float
    across: float
    down: float
    gradient: float
    rate: float
    deviation: float
    entry: float


@dataclass(frozen=True, kw_only=True)
class _Role:
    """What a parameter does: factors that stay as n grows, and the powers of n beside those of its layer.

    ``unit`` is the constant of alpha, ``drawn`` the power of n that drawn weights lack, ``sums`` that of a sum over
    columns, ``seen`` that of gradients; ``across`` and ``down`` are what sums are more than means, ``per_row`` is one
    over the rows.
    """

    kind: Kind
    unit: float
    across: float
    down: float
    per_row: float
    drawn: Fraction
    sums: Fraction
    seen: Fraction


def of_matrix(space: Space, plan: Plan, matrix: Matrix, layer: Exponents, *, linearised: bool = False) -> Scales:
    r"""Those of a matrix of a program, of :math:`\alpha = \sqrt{variance / columns}` with columns for each n.

    ``linearised``, products with D are of what it changes the function by, n^(1 - signal) times as much.

    Raises:
        ProgramError: of the limit, a power grows.
    """
    n = space.dim("n").extent
    rows, columns = matrix.rows.extent, matrix.columns.extent
    if matrix.kind == "matrix":
        unit = (matrix.variance * n / columns) ** 0.5
        role = _Role(
            kind="hidden",
            unit=unit,
            across=columns / n,
            down=rows / n,
            per_row=n / rows,
            drawn=HALF,
            sums=Fraction(1),
            seen=-plan.signal,
        )
    else:
        role = _Role(
            kind="bias" if matrix.is_bias else "input",
            unit=(matrix.variance / columns) ** 0.5,
            across=columns,
            down=rows,
            per_row=n / rows,
            drawn=Fraction(0),
            sums=Fraction(0),
            seen=-plan.signal,
        )
    return _scales(space, plan, role, layer, linearised)


def of_output(space: Space, plan: Plan, positions: int, *, linearised: bool = False) -> Scales:
    """Those of output weights at so many positions, whose sum over positions is divided by the root of their number.

    The function is n^(1 - signal) times the mean over coordinates that they give.
    """
    role = _Role(
        kind="output",
        unit=positions**-0.5,
        across=positions,
        down=positions,
        per_row=1.0,
        drawn=plan.signal,
        sums=plan.signal,
        seen=Fraction(0),
    )
    return _scales(space, plan, role, plan.parametrization.output, linearised)


def _scales(space: Space, plan: Plan, role: _Role, layer: Exponents, linearised: bool) -> Scales:
    constants, kind = plan.rule.scaling, role.kind
    multiplier, deviation = getattr(constants.multiplier, kind), getattr(constants.initial, kind)
    alpha = multiplier * role.unit
    derivative = 1 - plan.signal if linearised else 0
    share = alpha * space.power(role.sums - layer.a - layer.c + derivative)
    return Scales(
        initial=multiplier * deviation * space.power(role.drawn - layer.a - layer.b),
        across=share * role.across,
        down=0.0 if linearised else share * role.down,
        gradient=getattr(constants.gradient, kind) * alpha * role.per_row * space.power(layer.d - layer.a + role.seen),
        rate=getattr(constants.rate, kind),
        deviation=deviation,
        entry=space.power(layer.b - layer.c) if plan.rule.optimizer.relative is not None else 0.0,
    )
