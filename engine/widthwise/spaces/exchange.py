"""LocalExchange: a group whose members are threads of one process."""

from dataclasses import dataclass, field
from threading import Barrier, BrokenBarrierError

import numpy as np

from widthwise.errors import ShardLostError
from widthwise.spaces.shard import SHARD_SECONDS, Shard


class LocalExchange:
    """Where ``count`` threads meet, each with one of its ``shards``; they wait ``seconds`` for each other.

    A group that has lost a member is lost: every later call raises too.
    """

    def __init__(self, count: int, seconds: float = SHARD_SECONDS) -> None:
        self._table = _Table(count=count, seconds=seconds)
        self.shards = tuple(Shard(index, count, _Seat(index, self._table)) for index in range(count))

    def break_off(self) -> None:
        """Let nobody wait any more, since a member has failed."""
        self._table.barrier.abort()


@dataclass(frozen=True, eq=False, kw_only=True)
class _Table:
    """Parts of this call and of the one before, which a slow member may still be reading."""

    count: int
    seconds: float
    barrier: Barrier = field(init=False)
    calls: list[int] = field(init=False)
    parts: tuple[dict[int, np.ndarray], dict[int, np.ndarray]] = field(default_factory=lambda: ({}, {}))

    def __post_init__(self) -> None:
        object.__setattr__(self, "barrier", Barrier(self.count))
        object.__setattr__(self, "calls", [0] * self.count)


class _Seat:
    """The access of one member."""

    def __init__(self, index: int, table: _Table) -> None:
        self._index = index
        self._table = table

    def gather(self, part: np.ndarray) -> list[np.ndarray]:
        """See `Exchange.gather`."""
        table = self._table
        parts = table.parts[table.calls[self._index] % 2]
        parts[self._index] = part
        table.calls[self._index] += 1
        try:
            table.barrier.wait(table.seconds)
        except BrokenBarrierError:
            raise ShardLostError(self._lost()) from None
        return [parts[index] for index in range(table.count)]

    def _lost(self) -> str:
        behind = [i for i, calls in enumerate(self._table.calls) if calls < self._table.calls[self._index]]
        return (
            f"shard {self._index}: shard {', '.join(map(str, behind)) or '?'} of {self._table.count} has failed, or "
            f"stayed away for more than {self._table.seconds:g} seconds; the group starts again"
        )
