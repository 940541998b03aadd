"""Coordinator: who computes what, and what follows a failure; a state machine without clock, file or process."""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from widthwise.errors import ClusterError, WidthwiseError
from widthwise.plan.units import Unit
from widthwise.run.messages import (
    Assign,
    Event,
    Finish,
    Instruction,
    KillWorker,
    Quarantine,
    RestartWorker,
    StopAsked,
    Tick,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The patience of the coordinator.

    A unit is given up after ``attempts`` failures, a place after as many losses in a row of workers that did nothing.
    A unit hangs when it takes longer than ``max(hang_seconds, hang_factor * predicted seconds)``, a start when it
    takes longer than ``start_seconds``.
    """

    attempts: int = 3
    in_flight: int = 2
    hang_seconds: float = 120.0
    hang_factor: float = 20.0
    start_seconds: float = 300.0


@dataclass
class _Place:
    """A worker as the coordinator sees it. ``since``: when the start, or the unit at the head of the queue, began."""

    worker: int
    state: Literal["starting", "ready", "gone"] = "starting"
    since: float = 0.0
    idle_losses: int = 0
    queue: deque[Unit] = field(default_factory=deque[Unit])


class Coordinator:
    """Answers every event with instructions until it says `Finish`; the same events always give the same answers.

    Largest units first, and a unit that failed after all that have not. A worker computes its queue in order, so only
    the head of it can be at fault when the worker dies: the others go back on the list with no attempt counted.
    """

    def __init__(self, units: Sequence[Unit], *, workers: int, limits: Limits) -> None:
        self._limits = limits
        self._places = [_Place(worker) for worker in range(workers)]
        self._failures = dict.fromkeys(units, 0)
        self._order = count()
        self._waiting: list[tuple[int, float, int, Unit]] = []
        for unit in units:
            self._wait(unit)
        self.done: set[Unit] = set()
        self.quarantined: list[Quarantine] = []
        self.failures = 0
        self.finished = False

    @property
    def workers(self) -> int:
        """Number of workers that take units now."""
        return sum(place.state == "ready" for place in self._places)

    @property
    def unfinished(self) -> tuple[Unit, ...]:
        """The units that wait or are in flight."""
        return (*(entry[-1] for entry in self._waiting), *(unit for place in self._places for unit in place.queue))

    def begin(self, now: float) -> list[Instruction]:
        """Start every worker, or finish at once when there is nothing to do."""
        if not self._failures:
            return self._finish(None)
        return [self._restart(place, now) for place in self._places]

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take in one event that was seen at ``now`` (seconds of a monotonic clock)."""
        if self.finished:
            return []
        instructions = self._respond(event, now)
        if instructions and isinstance(instructions[-1], Finish):
            return instructions
        if len(self.done) + len(self.quarantined) == len(self._failures):
            return [*instructions, *self._finish(None)]
        return [*instructions, *self._hand_out(now)]

    def _respond(self, event: Event, now: float) -> list[Instruction]:
        match event:
            case WorkerReady():
                return self._ready(self._places[event.worker])
            case UnitDone():
                return self._done(self._places[event.worker], event.unit, now)
            case UnitFailed():
                return self._failed(self._places[event.worker], event.unit, event.error, now)
            case WorkerLost():
                return self._lost(self._places[event.worker], event.reason, now)
            case StopAsked():
                return self._finish(event.error)
            case Tick():
                return [i for place in self._places for i in self._check_patience(place, now)]

    def _ready(self, place: _Place) -> list[Instruction]:
        if place.state == "starting":
            place.state = "ready"
        return []

    def _done(self, place: _Place, unit: Unit, now: float) -> list[Instruction]:
        if self._take(place, unit, now):
            self.done.add(unit)
        return []

    def _failed(self, place: _Place, unit: Unit, error: str, now: float) -> list[Instruction]:
        return self._count_failure(unit, error) if self._take(place, unit, now) else []

    def _lost(self, place: _Place, reason: str, now: float) -> list[Instruction]:
        instructions: list[Instruction] = []
        if place.queue:
            instructions += self._count_failure(place.queue.popleft(), reason)
        else:
            place.idle_losses += 1
        for unit in place.queue:
            self._wait(unit)
        place.queue.clear()
        if place.idle_losses < self._limits.attempts:
            return [*instructions, self._restart(place, now)]
        place.state = "gone"
        if any(other.state != "gone" for other in self._places):
            return instructions
        return [*instructions, *self._finish(_no_worker_left(place.idle_losses, reason))]

    def _check_patience(self, place: _Place, now: float) -> list[Instruction]:
        waited = now - place.since
        if place.state == "starting" and waited > self._limits.start_seconds:
            reason = f"did not start within {self._limits.start_seconds:.0f} s"
        elif place.queue and waited > self._patience(place.queue[0]):
            reason = f"no answer after {waited:.0f} s, {place.queue[0].seconds:.3g} s were predicted"
        else:
            return []
        return [KillWorker(worker=place.worker), *self._lost(place, reason, now)]

    def _patience(self, unit: Unit) -> float:
        return max(self._limits.hang_seconds, self._limits.hang_factor * unit.seconds)

    def _take(self, place: _Place, unit: Unit, now: float) -> bool:
        """Remove a unit from a queue; False for news of a unit that this place no longer has."""
        if unit not in place.queue:
            return False
        place.queue.remove(unit)
        place.since = now
        place.idle_losses = 0
        return True

    def _count_failure(self, unit: Unit, error: str) -> list[Instruction]:
        self.failures += 1
        self._failures[unit] += 1
        if self._failures[unit] < self._limits.attempts:
            self._wait(unit)
            return []
        quarantine = Quarantine(unit=unit, attempts=self._failures[unit], error=error)
        self.quarantined.append(quarantine)
        return [quarantine]

    def _wait(self, unit: Unit) -> None:
        heapq.heappush(self._waiting, (self._failures[unit], -unit.seconds, next(self._order), unit))

    def _restart(self, place: _Place, now: float) -> Instruction:
        place.state = "starting"
        place.since = now
        return RestartWorker(worker=place.worker)

    def _hand_out(self, now: float) -> list[Instruction]:
        """Fill the queues evenly, and beyond their heads only while every worker could still be given a unit."""
        instructions: list[Instruction] = []
        for depth in range(self._limits.in_flight):
            spare = len(self._places) if depth else 0
            for place in self._places:
                if place.state == "ready" and len(place.queue) == depth and len(self._waiting) > spare:
                    instructions.append(self._assign(place, now))
        return instructions

    def _assign(self, place: _Place, now: float) -> Instruction:
        unit = heapq.heappop(self._waiting)[-1]
        if not place.queue:
            place.since = now
        place.queue.append(unit)
        return Assign(worker=place.worker, unit=unit, attempt=self._failures[unit] + 1)

    def _finish(self, error: WidthwiseError | None) -> list[Instruction]:
        self.finished = True
        return [Finish(error=error)]


def _no_worker_left(losses: int, reason: str) -> ClusterError:
    message = (
        f"every worker was lost {losses} times in a row before it finished a unit (the last one: {reason}); "
        "see `widthwise doctor`, or run with --address inline to see the error itself"
    )
    return ClusterError(message)
