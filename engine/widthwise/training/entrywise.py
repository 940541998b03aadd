"""Entrywise: what a nonlinear update function adds to a parameter, entry by entry, in tiles."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from widthwise.training.gradient import Gradient
from widthwise.training.move import Move
from widthwise.training.optimizer import Optimizer, State, optimizer
from widthwise.training.options import Adafactor

ENTRIES_AT_ONCE = 1 << 18
"""Entries of a tile, so that what an update function makes on the way stays in cache."""

KEPT_BYTES = 1 << 32
"""Entries of a parameter are kept, and what the optimizer remembers of them, if they take no more than this; else every
tile is made again from the gradients of all steps, wherever it is asked for. A constant, not the memory of the machine.
"""

ARRAYS = 4
"""The entries, what an optimizer remembers of each, and room for one more."""

Rate = Tensor | float


class Entrywise:
    r"""The entries :math:`D_{ab}` of some rows and columns, moved by the update function one tile at a time.

    At finite width these are all rows and columns; of kets, the first samples of an index that is averaged over.
    Source: TP4b 2.6.1 (OuterNonlin), 2.9.25.
    """

    def __init__(self, move: Move, like: Gradient, *, rows: int, columns: int) -> None:
        """Entries of the first ``rows`` and ``columns`` of a parameter with gradients ``like`` this one, all 0."""
        self._move = move
        self._rows, self._columns = rows, slice(0, columns)
        replicates, itemsize = like.left.shape[0], like.left.dtype.itemsize
        side = max(1, ENTRIES_AT_ONCE // (replicates * columns))
        self._tiles = [slice(start, min(start + side, rows)) for start in range(0, rows, side)]
        self._kept = ARRAYS * replicates * rows * columns * itemsize <= KEPT_BYTES
        self._states: list[State | None] = [None] * len(self._tiles)
        self._entries: list[Tensor | None] = [None] * len(self._tiles)
        self._history: list[tuple[Gradient, Rate, float]] = []

    def advance(self, gradient: Gradient, t: int, rate: Rate | None = None) -> Rate:
        """Take step t, at a rate that is worked out here unless it is known.

        Returns:
            The rate, for the entries of other rows and columns.
        """
        updates: Iterator[Tensor] | list[Tensor] = self._updates(gradient, t)
        if rate is None:
            updates = list(updates) if self._move.asks_for_size else updates
            rate = self._move.rate_of(t, lambda: _rms(updates, self._rows * self._columns.stop))
        decay = self._move.decay(t)
        if self._kept:
            for i, update in enumerate(updates):
                entries = self._entries[i]
                self._entries[i] = -rate * update if entries is None else entries.mul_(1 - decay).sub_(rate * update)
        else:
            self._history.append((gradient, rate, decay))
        return rate

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """The mean over columns :math:`E_b[D_{ab} x_b]`, of the transpose over rows; (replicate, ..., coordinate)."""
        if transposed:
            parts = [x[..., rows] @ self._tile(i, rows) for i, rows in enumerate(self._tiles)]
            return torch.stack(parts).sum(0) / self._rows if len(parts) > 1 else parts[0] / self._rows
        seen = x[..., self._columns]
        parts = [seen @ self._tile(i, rows).mT for i, rows in enumerate(self._tiles)]
        return torch.cat(parts, -1) / self._columns.stop

    def entries(self) -> Tensor:
        """D itself, (replicate, row, column)."""
        return torch.cat([self._tile(i, rows) for i, rows in enumerate(self._tiles)], 1)

    def _tile(self, i: int, rows: slice) -> Tensor:
        entries = self._entries[i]
        if entries is not None:
            return entries
        total: Tensor | None = None
        for update, (_, rate, decay) in zip(self._replayed(rows), self._history, strict=True):
            total = -rate * update if total is None else total.mul_(1 - decay).sub_(rate * update)
        assert total is not None
        return total

    def _updates(self, gradient: Gradient, t: int) -> Iterator[Tensor]:
        """The updates of all tiles at step t."""
        for i, rows in enumerate(self._tiles):
            if self._kept:
                update, self._states[i] = self._step(gradient, rows, self._states[i], t)
            else:
                *_, update = self._replayed(rows, [(gradient, 0.0, 0.0)])
            yield update

    def _replayed(self, rows: slice, more: Sequence[tuple[Gradient, Rate, float]] = ()) -> Iterator[Tensor]:
        """The updates of one tile at all steps."""
        state: State | None = None
        for t, (gradient, _, _) in enumerate([*self._history, *more]):
            update, state = self._step(gradient, rows, state, t)
            yield update

    def _step(self, gradient: Gradient, rows: slice, state: State | None, t: int) -> tuple[Tensor, State]:
        entries, rule = gradient.tile(rows, self._columns), self._optimizer(gradient, rows)
        return rule.step(rule.init(entries) if state is None else state, entries, t)

    def _optimizer(self, gradient: Gradient, rows: slice) -> Optimizer:
        if not isinstance(self._move.options, Adafactor):
            return self._move.optimizer
        of_rows, of_columns, whole = gradient.mean_squares
        means = of_rows[:, rows], of_columns[..., self._columns], whole
        return optimizer(self._move.options, lambda entries, t: means)


def _rms(updates: Iterator[Tensor] | list[Tensor], count: int) -> Tensor:
    """Root of the mean square over all entries, (replicate, 1, 1)."""
    squares = [(update * update).sum((1, 2), keepdim=True) for update in updates]
    return (torch.stack(squares).sum(0) / count).sqrt()
