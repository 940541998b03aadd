"""How a matrix is held: dense, tiled or revealed, by its law, its size and the memory there is for entries."""

from dataclasses import dataclass, replace
from typing import Literal

from widthwise.errors import ProgramError
from widthwise.laws import Law
from widthwise.spaces.dim import BIAS, Dim

Held = Literal["revealed", "dense", "tiled"]
Holding = Literal["auto", "revealed", "dense", "tiled"]

ENTRY_BYTES = 1 << 30
"""Bytes of entries that the matrices of one space may hold together; beyond, entries are regenerated at every use.

A constant, not the memory of the machine: the choice is part of what a run says of itself. It changes no number.
"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a matrix is held, why, how many bytes its entries take, and whether the program or the user asked for it."""

    held: Held
    reason: str
    bytes: int = 0
    asked: bool = False


ONE_COLUMN = Choice(held="dense", reason="one column")


def preferred(law: Law, columns: Dim, holding: Holding) -> Holding:
    """What the preference of a whole space means for one matrix: ``auto`` for those whose entries it is not for."""
    if columns == BIAS:
        return "auto"
    entries = law.family != "orthogonal" and not (holding == "tiled" and columns.constant)
    return holding if entries or holding == "revealed" else "auto"


def choose(law: Law, rows: Dim, columns: Dim, *, asked: Holding, entry_bytes: int, taken: int) -> Choice:
    """The way to hold a matrix at finite width.

    Args:
        law: of the entries.
        rows: dimension class of what the matrix gives.
        columns: dimension class of what it takes.
        asked: what the user asks for; ``auto`` leaves it to the law and the size.
        entry_bytes: what one entry takes, over all replicates.
        taken: bytes of the entries that the space holds already.

    Raises:
        ProgramError: a law cannot be held as asked.
    """
    size = rows.size * columns.size * entry_bytes
    if asked == "auto":
        return _automatic(law, columns, size, taken)
    entrywise = law.family not in ("gaussian", "orthogonal")
    if asked == "revealed" and entrywise:
        message = f"matrix: 'revealed' needs the law 'gaussian' or 'orthogonal', not {law.name!r}; allowed: auto, dense"
        raise ProgramError(message)
    if asked != "revealed" and law.family == "orthogonal":
        message = f"matrix: {asked!r} is not for an orthogonal matrix, whose entries are dependent; leave it at 'auto'"
        raise ProgramError(message)
    if asked == "tiled" and columns.constant:
        message = "matrix: 'tiled' is not for a matrix of features, which has few columns; leave it at 'auto'"
        raise ProgramError(message)
    return Choice(held=asked, reason="asked for", bytes=size if asked == "dense" else 0, asked=True)


def limit_choice(law: Law, rows: Dim, columns: Dim) -> Choice:
    """The way to hold a matrix of kets.

    Raises:
        ProgramError: it is orthogonal and rectangular.
    """
    if columns == BIAS:
        return ONE_COLUMN
    if columns.constant and law.family != "gaussian":
        return Choice(held="dense", reason="the limit depends on the law of features")
    if law.family != "orthogonal":
        return Choice(held="revealed", reason="the limit depends on the variance of a matrix only")
    if rows.extent != columns.extent:
        message = "matrix: the limit of a rectangular orthogonal matrix is not known here; make it square"
        raise ProgramError(message)
    return Choice(held="revealed", reason="the limit of a Haar matrix")


def _automatic(law: Law, columns: Dim, size: int, taken: int) -> Choice:
    if columns == BIAS:
        return replace(ONE_COLUMN, bytes=size)
    if law.family == "gaussian":
        return Choice(held="revealed", reason="a Gaussian matrix is drawn only where it is looked at")
    if law.family == "orthogonal":
        return Choice(held="revealed", reason="a Haar matrix is drawn only where it is looked at")
    if columns.constant:
        return Choice(held="dense", reason="few columns", bytes=size)
    room = f"{ENTRY_BYTES / 2**30:g} GiB for entries"
    if taken + size <= ENTRY_BYTES:
        return Choice(held="dense", reason=f"entries of the law {law.name} fit into {room}", bytes=size)
    return Choice(held="tiled", reason=f"entries of the law {law.name} do not fit into {room}")
