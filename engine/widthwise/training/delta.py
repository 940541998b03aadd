"""Delta: what training has added to a parameter; how it is held, by optimizer and reading."""

from typing import Protocol

from torch import Tensor

from widthwise.spaces import whole
from widthwise.training.entrywise import Entrywise
from widthwise.training.gradient import Gradient
from widthwise.training.low_rank import LowRank
from widthwise.training.move import Move
from widthwise.training.sampled import Sampled


class Delta(Protocol):
    """Entries D that only products are ever asked of."""

    def advance(self, gradient: Gradient, t: int) -> object:
        """Take step t = 0, 1, ..."""
        ...

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """The mean over columns :math:`E_b[D_{ab} x_b]`, of the transpose over rows; (replicate, ..., coordinate)."""
        ...

    def entries(self) -> Tensor:
        """D itself, (replicate, row, column)."""
        ...


def delta(move: Move, like: Gradient, samples: int | None, *, room: int, transposed: bool) -> Delta:
    """The way to hold D: by factors if the update function is linear, else by entries.

    Args:
        move: how the parameter moves.
        like: its first gradient.
        samples: how many samples of an index averages of kets are over; None for all.
        room: how many bytes it may take where it is held by entries.
        transposed: whether products with the transpose will be asked for.
    """
    if move.options.linear:
        return LowRank(move)
    rows, columns = whole(like.left.shape[-1]), whole(like.right.shape[-1])
    if samples is None or samples >= min(rows, columns):
        return Entrywise(move, like, rows=rows, columns=columns, room=room)
    if not transposed:
        return Entrywise(move, like, rows=rows, columns=samples, room=room)
    return Sampled(move, like, samples, room)
