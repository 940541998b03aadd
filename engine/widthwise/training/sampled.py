"""Sampled: an entrywise update of kets, averaged over the first samples of each index only."""

from torch import Tensor

from widthwise.spaces import whole
from widthwise.training.entrywise import Entrywise
from widthwise.training.gradient import Gradient
from widthwise.training.move import Move


class Sampled:
    """All rows of some columns, for products, and all columns of some rows, for those with the transpose.

    Averages over the first ``samples`` samples, which of a Sobol sequence are themselves evenly spread: an incomplete
    average whose error is in the spread of the replicates.
    """

    def __init__(self, move: Move, like: Gradient, samples: int, room: int) -> None:
        rows, columns = whole(like.left.shape[-1]), whole(like.right.shape[-1])
        self._across = Entrywise(move, like, rows=rows, columns=min(samples, columns), room=room // 2)
        self._down = Entrywise(move, like, rows=min(samples, rows), columns=columns, room=room // 2)

    def advance(self, gradient: Gradient, t: int) -> None:
        """Take step t."""
        self._down.advance(gradient, t, self._across.advance(gradient, t))

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """The mean over columns :math:`E_b[D_{ab} x_b]`, of the transpose over rows; (replicate, ..., coordinate)."""
        return (self._down if transposed else self._across).multiply(x, transposed=transposed)

    def entries(self) -> Tensor:
        """D itself for the samples of columns that are averaged over, (replicate, row, column)."""
        return self._across.entries()
