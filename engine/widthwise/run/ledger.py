"""Ledger: which units wait, who has which in hand, which failed how often, which are done or given up."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from widthwise.plan import lower, readable_bytes
from widthwise.plan.units import Block, Series, Unit
from widthwise.run.crew import ALONE, Node
from widthwise.run.messages import Quarantine
from widthwise.run.waiting import Waiting

SPOILT = 8
"""Blocks of one kind, point and width that raise and become units of their own; where more do, few will not."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of an attempt that failed; ``block`` is None where the worker died."""

    block: Block | None
    error: str
    traceback: str = ""


class Ledger:
    """Memory grows with the number of spans and of workers: of a unit that is done only a count stays."""

    def __init__(self, attempts: int) -> None:
        """A unit is given up after so many ``attempts``."""
        self._attempts = attempts
        self._holders: dict[Unit, tuple[int, ...]] = {}
        self._failures: dict[Unit, int] = {}
        self._alone: set[Unit] = set()
        self._spoilt: Counter[tuple[str, int, int]] = Counter()
        self._predicted = self._taken = 0.0
        self.waiting = Waiting()
        self.quarantined: list[Quarantine] = []
        self.total_units = self.total_blocks = self.done_units = self.done_blocks = self.failures = 0
        self.open_seconds = 0.0

    @property
    def open_units(self) -> int:
        """Number of units that wait or are in hand."""
        return self.total_units - self.done_units - len(self.quarantined)

    @property
    def pace(self) -> float:
        """Seconds that units took so far by the seconds that were predicted for them; 1 before the first."""
        return self._taken / self._predicted if self._predicted else 1.0

    def add(self, series: Iterable[Series]) -> None:
        """More units to compute."""
        for each in series:
            self.waiting.add(each, room=each.bytes)
            self.total_units += each.count
            self.total_blocks += each.span.count
            self.open_seconds += each.seconds * each.span.count

    def wants(self, unit: Unit) -> bool:
        """Whether a unit that somebody has in hand is neither done nor given up."""
        return unit in self._holders

    def may_copy(self, unit: Unit) -> bool:
        """Whether one worker has it in hand, and another may have it too without using up its last attempt."""
        return len(self._holders.get(unit, ())) == 1 and self._failures.get(unit, 0) < self._attempts - 1

    def hand(self, unit: Unit, worker: int) -> int:
        """A worker gets a unit; the number of its attempt."""
        self._holders[unit] = (*self._holders.get(unit, ()), worker)
        return self._failures.get(unit, 0) + 1

    def done(self, unit: Unit, seconds: float) -> tuple[int, ...]:
        """A unit is stored, ``seconds`` after its worker began with it; who had it in hand, nobody if it was before."""
        holders = self._holders.get(unit, ())
        if holders:
            self._predicted += unit.seconds
            self._taken += seconds
            self.done_units += 1
            self.done_blocks += unit.span.count
            self._forget(unit)
        return holders

    def put_back(self, unit: Unit, worker: int) -> None:
        """A worker no longer has a unit, through no fault of the unit."""
        if self._release(unit, worker):
            self._wait(unit)

    def failed(self, unit: Unit, worker: int, failure: Failure) -> list[Quarantine]:
        """An attempt failed: the unit waits again, unless another worker still has it or it was the last attempt.

        A block that raised is a unit of its own from then on, so that those beside it are not given up with it.
        """
        if unit not in self._holders:
            return []
        self._count_failure(unit)
        if not self._release(unit, worker):
            return []
        if failure.block is not None and unit.span.count > 1 and self._spoilt[_group(unit)] < SPOILT:
            self._spoilt[_group(unit)] += 1
            position = failure.block.index - unit.span.first
            self._split(unit, position, position + 1)
        elif self._failures[unit] < self._attempts:
            self._wait(unit)
        else:
            return [self._give_up(unit, failure)]
        return []

    def too_large(self, unit: Unit, worker: int, node: Node, failure: Failure) -> list[Quarantine]:
        """Out of memory: first half as many blocks in one go, then a block with a node for itself, then no more."""
        if unit not in self._holders:
            return []
        self._count_failure(unit)
        if not self._release(unit, worker):
            return []
        if unit.span.count > 1:
            self._split(unit, unit.span.count // 2)
        elif unit not in self._alone:
            self._alone.add(unit)
            self._wait(unit)
        else:
            error = (
                f"out of memory alone on node {node.name}, which has {readable_bytes(node.bytes)} for tensors; "
                f"{readable_bytes(unit.bytes)} were predicted; lower {lower(unit.span.kind)} ({failure.error})"
            )
            return [self._give_up(unit, replace(failure, error=error))]
        return []

    def _count_failure(self, unit: Unit) -> None:
        self.failures += 1
        self._failures[unit] = self._failures.get(unit, 0) + 1

    def _release(self, unit: Unit, worker: int) -> bool:
        """A worker no longer has a unit in hand; True if nobody has and it is to be computed."""
        if unit not in self._holders:
            return False
        left = tuple(other for other in self._holders[unit] if other != worker)
        if left:
            self._holders[unit] = left
            return False
        del self._holders[unit]
        return True

    def _wait(self, unit: Unit) -> None:
        count = unit.span.count
        room = ALONE if unit in self._alone else unit.bytes
        again = Series(unit.span, count, unit.seconds / count, unit.bytes)
        self.waiting.add(again, room=room, failures=self._failures.get(unit, 0))

    def _split(self, unit: Unit, *positions: int) -> None:
        """The parts of a unit before, between and after some positions wait as units of their own."""
        del self._failures[unit]
        self.total_units -= 1
        count = unit.span.count
        for start, stop in itertools.pairwise((0, *positions, count)):
            if start < stop:
                self.total_units += 1
                part = unit.span.part(start, stop)
                self._wait(Unit(part, unit.seconds * part.count / count, unit.bytes))

    def _give_up(self, unit: Unit, failure: Failure) -> Quarantine:
        quarantine = Quarantine(
            unit=unit,
            block=failure.block,
            attempts=self._failures[unit],
            error=failure.error,
            traceback=failure.traceback,
        )
        self.quarantined.append(quarantine)
        self._forget(unit)
        return quarantine

    def _forget(self, unit: Unit) -> None:
        self.open_seconds -= unit.seconds
        self._holders.pop(unit, None)
        self._failures.pop(unit, None)
        self._alone.discard(unit)


def _group(unit: Unit) -> tuple[str, int, int]:
    return unit.span.kind, unit.span.point, unit.span.width
