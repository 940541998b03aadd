"""Entrywise: what a nonlinear update function adds to a parameter, entry by entry, in tiles."""

from collections.abc import Iterable, Iterator
from functools import reduce

import torch
from torch import Tensor

from widthwise.spaces import added, first
from widthwise.training.gradient import Gradient
from widthwise.training.move import Move
from widthwise.training.named_optimizers import Own
from widthwise.training.optimizer import Optimizer, State, optimizer
from widthwise.training.options import Adafactor

ENTRIES_AT_ONCE = 1 << 17
"""Entries of a tile, so that what an update function makes on the way stays in cache."""

UPDATED = 2
"""Arrays that entries take: their own, and one for an update whose size is asked for before it is added."""

ARRAYS = UPDATED + 3
"""With the most that an optimizer remembers of each."""

Rate = Tensor | float


class Entrywise:
    r"""The entries :math:`D_{ab}` of some rows and columns, moved by the update function one tile at a time.

    At finite width these are all rows and columns; of kets, the first samples of an index that is averaged over.
    Where there is no room for what the optimizer remembers it is made again at every step, from the gradients of all
    steps; where there is none for the entries either, so are these wherever they are asked for.
    Source: TP4b 2.6.1 (OuterNonlin), 2.9.25.
    """

    def __init__(self, move: Move, like: Gradient, *, rows: int, columns: int, room: int) -> None:
        """Entries of the first ``rows`` and ``columns`` of a parameter with gradients ``like`` this one, all 0.

        Rows and columns are counted over all shards. What is kept of them takes no more than ``room`` bytes.
        """
        self._move = move
        self._rows, self._columns = rows, columns
        like = like.first(rows, columns)
        replicates, here, across = like.left.shape[0], like.left.shape[-1], like.right.shape[-1]
        side = max(1, ENTRIES_AT_ONCE // (replicates * across))
        self._tiles = [slice(start, min(start + side, here)) for start in range(0, here, side)]
        array = replicates * here * across * like.left.dtype.itemsize
        self._entries = like.left.new_zeros(replicates, here, across) if UPDATED * array <= room else None
        self._remembers = ARRAYS * array <= room and not isinstance(move.options, Own)
        self._states: list[State | None] = [None] * len(self._tiles)
        self._history: list[tuple[Gradient, Rate, float]] = []

    def advance(self, gradient: Gradient, t: int, rate: Rate | None = None) -> Rate:
        """Take step t, at a rate that is worked out here unless it is known.

        Returns:
            The rate, for the entries of other rows and columns.
        """
        gradient = gradient.first(self._rows, self._columns)
        updates: Iterable[Tensor] = self._updates(gradient, t)
        if rate is None:
            updates = list(updates) if self._move.asks_for_size and self._entries is not None else updates
            rate = self._move.rate_of(t, lambda: _rms(updates, self._rows * self._columns))
        decay = self._move.decay(t)
        if self._entries is not None:
            for rows, update in zip(self._tiles, updates, strict=True):
                _add(self._entries[:, rows], update, rate, decay)
        if not self._remembers:
            self._history.append((gradient, rate, decay))
        return rate

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """The mean over columns :math:`E_b[D_{ab} x_b]`, of the transpose over rows; (replicate, ..., coordinate)."""
        if transposed:
            seen = first(x, self._rows)
            return reduce(torch.add, (seen[..., rows] @ block for rows, block in self._blocks())) / self._rows
        seen = first(x, self._columns)
        return _joined([added(seen, block) for _, block in self._blocks()], -1) / self._columns

    def entries(self) -> Tensor:
        """D itself, (replicate, row, column)."""
        return _joined([block for _, block in self._blocks()], 1)

    def _blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """All rows of D with their entries: those that are kept, or one tile after the other, made again."""
        if self._entries is not None:
            yield slice(0, self._entries.shape[1]), self._entries
            return
        for rows in self._tiles:
            yield rows, self._again(rows)

    def _again(self, rows: slice) -> Tensor:
        total = torch.zeros_like(self._history[0][0].tile(rows))
        for update, (_, rate, decay) in zip(self._replayed(rows), self._history, strict=True):
            _add(total, update, rate, decay)
        return total

    def _updates(self, gradient: Gradient, t: int) -> Iterator[Tensor]:
        """The updates of all tiles at step t."""
        for i, rows in enumerate(self._tiles):
            if self._remembers:
                update, self._states[i] = self._step(gradient, rows, self._states[i], t)
            elif isinstance(self._move.options, Own):
                past = tuple(each.tile(rows) for each, _, _ in self._history)
                update, _ = self._step(gradient, rows, past, t)
            else:
                *_, update = self._replayed(rows, gradient)
            yield update

    def _replayed(self, rows: slice, *more: Gradient) -> Iterator[Tensor]:
        """The updates of one tile at all steps, and at those of more gradients."""
        state: State | None = None
        for t, gradient in enumerate([*(each for each, _, _ in self._history), *more]):
            update, state = self._step(gradient, rows, state, t)
            yield update

    def _step(self, gradient: Gradient, rows: slice, state: State | None, t: int) -> tuple[Tensor, State]:
        entries, rule = gradient.tile(rows), self._optimizer(gradient, rows)
        return rule.step(rule.init(entries) if state is None else state, entries, t)

    def _optimizer(self, gradient: Gradient, rows: slice) -> Optimizer:
        if not isinstance(self._move.options, Adafactor):
            return self._move.optimizer
        of_rows, of_columns, whole = gradient.mean_squares
        means = of_rows[:, rows], of_columns, whole
        return optimizer(self._move.options, lambda entries, t: means)


def _add(entries: Tensor, update: Tensor, rate: Rate, decay: float) -> None:
    """One step of some entries, in place; every pass over them counts."""
    if decay:
        entries.mul_(1 - decay)
    if isinstance(rate, float):
        entries.sub_(update, alpha=rate)
    else:
        entries.addcmul_(update, rate, value=-1)


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


def _rms(updates: Iterable[Tensor], count: int) -> Tensor:
    """Root of the mean square over all entries, (replicate, 1, 1)."""
    squares = [(update * update).sum((1, 2), keepdim=True) for update in updates]
    return (torch.stack(squares).sum(0) / count).sqrt()
