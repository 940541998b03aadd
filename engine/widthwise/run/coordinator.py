"""Coordinator: who computes what, and what follows a failure; a state machine without clock, file or process."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from widthwise.errors import ClusterError, WidthwiseError
from widthwise.plan.units import Series, Unit
from widthwise.run.crew import Crew, Node, Place
from widthwise.run.ledger import Failure, Ledger
from widthwise.run.messages import (
    Assign,
    Event,
    Finish,
    Instruction,
    KillWorker,
    PlaceOffered,
    PlaceWithdrawn,
    RestartWorker,
    StopAsked,
    Tick,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)

SLOW = 1.5
"""A place is slow if its units take so many times what all units take, both measured by what was predicted."""
LOOK_SECONDS = 1.0
"""Time between two searches for stragglers."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The patience of the coordinator.

    A unit is given up after ``attempts`` failures, a place after as many losses in a row of workers that did nothing.
    A unit hangs when it takes longer than ``max(hang_seconds, hang_factor * predicted seconds)``, a start when it
    takes longer than ``start_seconds``; the run ends when there is no place for as long. A unit is late when it takes
    ``late_factor`` times what is to be expected from the prediction and from those that are done.
    """

    attempts: int = 3
    in_flight: int = 2
    hang_seconds: float = 120.0
    hang_factor: float = 20.0
    start_seconds: float = 300.0
    late_factor: float = 3.0


class Coordinator:
    """Answers every event with instructions until it says `Finish`; the same events always give the same answers.

    Largest units first, and a unit that failed after all that have not. A worker computes its queue in order, so only
    the head of it can be at fault when the worker dies: the others go back on the list with no attempt counted. An
    event costs the logarithm of the number of places and of spans.
    """

    def __init__(self, series: Iterable[Series], *, workers: int, limits: Limits) -> None:
        """Units for at most ``workers`` workers at once."""
        self._limits = limits
        self._crew = Crew(workers)
        self._losers: set[int] = set()
        self._reserved: tuple[Node, int] | None = None
        self._watch: list[tuple[float, int]] = []
        self._next_look = 0.0
        self._empty_since = 0.0
        self._stopped = False
        self.ledger = Ledger(limits.attempts)
        self.ledger.add(series)
        self.finished = False

    @property
    def workers(self) -> int:
        """Number of workers that take units now."""
        return self._crew.ready

    def begin(self, now: float) -> list[Instruction]:
        """Set to work those who are there already, or finish at once when there is nothing to do.

        Again after `Finish`, if there are more units in the ledger by then.
        """
        self.finished = False
        self._empty_since = now
        self._crew.unpark()
        return self._hand_out(None, now) if self.ledger.open_units else self._finish(None)

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take in one event that was seen at ``now`` (seconds of a monotonic clock)."""
        if self._stopped:
            return []
        instructions = self._respond(event, now)
        if self.finished:
            return instructions
        if not self.ledger.open_units:
            return [*instructions, *self._finish(None)]
        touched = self._crew.get(event.worker) if isinstance(event, WorkerReady | UnitDone | UnitFailed) else None
        return [*instructions, *self._hand_out(touched, now)]

    def _respond(self, event: Event, now: float) -> list[Instruction]:
        match event:
            case Tick():
                return [*self._check_patience(now), *self._look(now)]
            case StopAsked():
                return self._finish(event.error)
            case PlaceOffered():
                self._crew.offer(event.worker, event.node, event.node_bytes)
                return self._hire(now)
        place = self._crew.get(event.worker)
        if place is None:
            if not isinstance(event, WorkerReady | UnitDone | UnitFailed):
                self._crew.dismiss(event.worker)  # a spare place may go like any other
            return []
        match event:
            case UnitDone():
                self._done(place, event, now)
            case WorkerReady():
                if place.state == "starting":
                    self._crew.come_up(place)
            case UnitFailed():
                return self._failed(place, event, now)
            case WorkerLost():
                return self._lost(place, event, now)
            case PlaceWithdrawn():
                return self._end(place, event.reason, now, blameless=True, place_gone=True)
        return []

    def _done(self, place: Place, event: UnitDone, now: float) -> None:
        unit = event.unit
        if unit not in place.queue:
            return
        if unit.seconds > 0:
            place.learn(event.seconds / unit.seconds)
        self._take(place, unit, now)
        for worker in self.ledger.done(unit, event.seconds):
            other = self._crew.get(worker)
            if other is not None and other.head == unit:
                self._losers.add(worker)

    def _failed(self, place: Place, event: UnitFailed, now: float) -> list[Instruction]:
        if not self._take(place, event.unit, now):
            return []
        failure = Failure(event.block, event.error, event.traceback)
        self._crew.unpark()
        if event.out_of_memory:
            return [*self.ledger.too_large(event.unit, place.worker, place.node, failure)]
        return [*self.ledger.failed(event.unit, place.worker, failure)]

    def _lost(self, place: Place, event: WorkerLost, now: float) -> list[Instruction]:
        idle = not place.queue
        instructions = self._put_back(place, event)
        if idle and not event.blameless:
            place.idle_losses += 1
        if not event.place_gone and place.idle_losses < self._limits.attempts:
            return [*instructions, self._start(place, now)]
        self._crew.dismiss(place.worker)
        instructions += self._hire(now)
        if self._crew.in_use:
            return instructions
        self._empty_since = now
        if event.place_gone:
            return instructions  # a node that joins may go on
        return [*instructions, *self._finish(_no_worker_left(place.idle_losses, event.reason))]

    def _put_back(self, place: Place, event: WorkerLost) -> list[Instruction]:
        """What a worker that is gone had in hand waits again; only what it was computing may be at fault."""
        instructions: list[Instruction] = []
        self._losers.discard(place.worker)
        for position, unit in enumerate(self._crew.leave(place)):
            if position or event.blameless:
                self.ledger.put_back(unit, place.worker)
            elif event.out_of_memory:
                instructions += self.ledger.too_large(unit, place.worker, place.node, Failure(None, event.reason))
            else:
                instructions += self.ledger.failed(unit, place.worker, Failure(None, event.reason))
        self._crew.unpark()
        return instructions

    def _end(
        self, place: Place, reason: str, now: float, *, blameless: bool = False, place_gone: bool = False
    ) -> list[Instruction]:
        loss = WorkerLost(worker=place.worker, reason=reason, blameless=blameless, place_gone=place_gone)
        return [KillWorker(worker=place.worker), *self._lost(place, loss, now)]

    def _check_patience(self, now: float) -> list[Instruction]:
        """End what hangs. A place is in ``_watch`` with a time before which it need not be looked at."""
        instructions: list[Instruction] = []
        while self._watch and self._watch[0][0] < now:
            time, worker = heapq.heappop(self._watch)
            place = self._crew.get(worker)
            if place is None or place.watched != time:
                continue
            place.watched = inf
            if self._deadline(place) < now:
                instructions += self._end(place, self._complaint(place, now), now)
            else:
                self._keep_watch(place)
        if not self._crew.in_use and now - self._empty_since > self._limits.start_seconds and not self.finished:
            instructions += self._finish(_no_place(self._limits.start_seconds))
        return instructions

    def _deadline(self, place: Place) -> float:
        if place.state == "starting":
            return place.since + self._limits.start_seconds
        if place.head is None:
            return inf
        return place.since + max(self._limits.hang_seconds, self._limits.hang_factor * place.head.seconds)

    def _keep_watch(self, place: Place) -> None:
        deadline = self._deadline(place)
        if deadline < place.watched:
            place.watched = deadline
            heapq.heappush(self._watch, (deadline, place.worker))

    def _complaint(self, place: Place, now: float) -> str:
        if place.head is None:
            return f"did not start within {self._limits.start_seconds:.0f} s"
        return f"no answer after {now - place.since:.0f} s, {place.head.seconds:.3g} s were predicted"

    def _look(self, now: float) -> list[Instruction]:
        """Once in a while: copies of what is late for places that idle, and an end to losers that are in the way."""
        if now < self._next_look or self.finished:
            return []
        self._next_look = now + LOOK_SECONDS
        if self._crew.fastest_idle() is None:
            return [i for worker in sorted(self._losers) for i in self._end_loser(worker, now)]
        if self.ledger.waiting.units or not self.ledger.done_units:
            return []
        return self._copy(self._late(now), now)

    def _late(self, now: float) -> list[Unit]:
        """What late places have in hand and nobody else has, the latest first."""
        late: list[tuple[float, int, Place]] = []
        for place in self._crew:
            if place.head is not None:
                patience = self._limits.late_factor * max(self.ledger.pace * place.head.seconds, LOOK_SECONDS)
                if now - place.since > patience:
                    late.append((patience / (now - place.since), place.worker, place))
        return [unit for *_, place in sorted(late) for unit in place.queue if self.ledger.may_copy(unit)]

    def _copy(self, late: Sequence[Unit], now: float) -> list[Instruction]:
        """Hand out what another place has in hand: whoever is done first wins."""
        instructions: list[Instruction] = []
        idle = self._crew.idle() if late else []
        for unit in late:
            place = next((place for place in idle if self._crew.room(place) >= unit.bytes), None)
            if place is not None:
                idle.remove(place)
                instructions.append(self._assign(place, unit, unit.bytes, now))
        return instructions

    def _end_loser(self, worker: int, now: float) -> list[Instruction]:
        """Free a place that computes what another was quicker with, if there is something else for it to do."""
        place = self._crew.get(worker)
        if place is None or not (self.ledger.waiting.units or any(map(self.ledger.wants, place.queue))):
            return []
        return self._end(place, "another worker was faster", now, blameless=True)

    def _take(self, place: Place, unit: Unit, now: float) -> bool:
        """Remove a unit from a queue; False for news of a unit that this place no longer has."""
        if not self._crew.take(place, unit, now):
            return False
        self._losers.discard(place.worker)
        if place.head is not None:
            self._keep_watch(place)
            if not self.ledger.wants(place.head):
                self._losers.add(place.worker)
        return True

    def _hire(self, now: float) -> list[Instruction]:
        """Put spare places to use, as many as the run may have."""
        instructions: list[Instruction] = []
        while (place := self._crew.hire(self.ledger.pace)) is not None:
            instructions.append(self._start(place, now))
        return instructions

    def _start(self, place: Place, now: float) -> Instruction:
        self._crew.start(place, now)
        self._keep_watch(place)
        return RestartWorker(worker=place.worker)

    def _hand_out(self, touched: Place | None, now: float) -> list[Instruction]:
        """Something for every idle place, and more for the one just heard of while there is enough for all."""
        instructions: list[Instruction] = []
        waiting = self.ledger.waiting
        while waiting.units and (place := self._crew.fastest_idle()) is not None:
            given = self._give(place, now)
            if given is None:
                self._crew.park(place)
            else:
                instructions.append(given)
        while touched is not None and 0 < len(touched.queue) < self._limits.in_flight:
            given = self._give(touched, now) if waiting.units > self._crew.in_use else None
            if given is None:
                break
            instructions.append(given)
        return instructions

    def _give(self, place: Place, now: float) -> Instruction | None:
        """The first unit that waits and has room at a place; to a slow one in the end the last."""
        waiting = self.ledger.waiting
        room, first = self._crew.room(place), waiting.first_room()
        last = waiting.units <= self._crew.in_use and place.slowness > SLOW * self.ledger.pace
        seconds = inf
        if first > room:
            if self._reserve(first) is place.node:
                seconds = self._crew.spell(place, now)
        elif self._reserved is not None and self._reserved[0] is place.node:
            last = False
        found = waiting.take(room, last=last and seconds == inf, seconds=seconds)
        if found is None:
            return None
        if self._reserved is not None and found[1] == self._reserved[1]:
            self._reserved = None
            self._crew.unpark()
        return self._assign(place, *found, now)

    def _reserve(self, room: int) -> Node | None:
        """The node that gives nothing new away that delays the first unit, which has room nowhere.

        Otherwise smaller units could keep it waiting for ever.
        """
        node, reserved = self._reserved or (None, 0)
        if node is None or reserved != room or not node.places:
            node = self._crew.roomiest(room)
            self._reserved = None if node is None else (node, room)
            self._crew.unpark()
        return node

    def _assign(self, place: Place, unit: Unit, room: int, now: float) -> Instruction:
        self._crew.give(place, unit, room, now)
        self._keep_watch(place)
        return Assign(worker=place.worker, unit=unit, attempt=self.ledger.hand(unit, place.worker))

    def _finish(self, error: WidthwiseError | None) -> list[Instruction]:
        self.finished = True
        self._stopped = error is not None
        return [Finish(error=error)]


def _no_worker_left(losses: int, reason: str) -> ClusterError:
    message = (
        f"every worker was lost {losses} times in a row before it finished a unit (the last one: {reason}); "
        "see `widthwise doctor`, or run with --address inline to see the error itself"
    )
    return ClusterError(message)


def _no_place(seconds: float) -> ClusterError:
    message = (
        f"no node has had room for a worker for {seconds:.0f} s; all finished blocks are stored; "
        "run the same command again when there are nodes, or see `widthwise doctor`"
    )
    return ClusterError(message)
