"""A cluster without processes or clock: draws what happens next and checks every instruction of a coordinator."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from widthwise.plan import Block, Series, Span, Unit
from widthwise.run.coordinator import Limits
from widthwise.run.messages import (
    Assign,
    Event,
    Finish,
    Instruction,
    KillWorker,
    PlaceOffered,
    PlaceWithdrawn,
    Quarantine,
    RestartWorker,
    Tick,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)

LIMITS = Limits(hang_seconds=10.0, hang_factor=4.0, start_seconds=30.0)


@dataclass(kw_only=True)
class Worker:
    """A process: is it up, what has it in hand, when will it answer again."""

    ready: bool = False
    queue: deque[Unit] = field(default_factory=deque[Unit])
    silent_until: float = 0.0


@dataclass(kw_only=True)
class Hazards:
    """How often things happen, from 0 to 1, and which blocks cannot be computed or need more memory than there is."""

    flaky: float = 0.0
    nodes_go: float = 0.0
    stragglers: float = 0.0
    poisoned: frozenset[Block] = frozenset()
    hungry: frozenset[Block] = frozenset()
    too_hungry: frozenset[Block] = frozenset()


@dataclass(kw_only=True)
class World:
    """``nodes``: bytes by name; ``homes``: the node of every place there ever was; ``places``: those not gone.

    That a place has gone is not known before the news of it.
    """

    rng: random.Random
    hazards: Hazards
    most: int
    nodes: dict[str, int]
    now: float = 0.0
    homes: dict[int, str] = field(default_factory=dict)
    places: set[int] = field(default_factory=set)
    workers: dict[int, Worker] = field(default_factory=dict)
    computed: set[Block] = field(default_factory=set)
    tried: dict[Unit, int] = field(default_factory=dict)
    news: deque[Event] = field(default_factory=deque[Event])
    quarantined: list[Quarantine] = field(default_factory=list)
    finish: Finish | None = None
    starts: int = 0
    copies: int = 0

    def join(self, node: str, places: int) -> None:
        """A node comes and offers places."""
        for _ in range(places):
            place = len(self.homes)
            self.homes[place] = node
            self.places.add(place)
            self.news.append(PlaceOffered(worker=place, node=node, node_bytes=self.nodes[node]))

    def carry_out(self, instructions: Sequence[Instruction]) -> None:
        """Do what the coordinator says, which must be possible."""
        for instruction in instructions:
            assert self.finish is None, "an instruction after Finish"
            match instruction:
                case RestartWorker(worker=worker):
                    assert worker in self.places or self.is_leaving(worker), "started at a place that is gone"
                    assert worker not in self.workers, "started at a place that is taken"
                    self.workers[worker] = Worker()
                    self.starts += 1
                    assert len(self.workers) <= self.most, "more workers than may be"
                case KillWorker(worker=worker):
                    for unit in list(self.workers.pop(worker).queue)[:1]:
                        self.tried[unit] = self.tried.get(unit, 0) + 1  # or it is none of the unit's fault
                case Assign():
                    self.assign(instruction)
                case Quarantine():
                    self.quarantined.append(instruction)
                case Finish():
                    self.finish = instruction

    def assign(self, given: Assign) -> None:
        """A unit goes to a worker."""
        worker, unit = self.workers[given.worker], given.unit
        assert worker.ready, "assigned to a worker that is not ready"
        assert len(worker.queue) < LIMITS.in_flight, "more units in hand than may be"
        others = sum(unit in other.queue for other in self.workers.values())
        assert others < 2, "a third copy"
        assert unit not in worker.queue, "a copy for the same worker"
        if others:
            self.copies += 1
        assert not self.computed & set(unit.blocks), "computed twice"
        assert given.attempt <= min(self.tried.get(unit, 0), LIMITS.attempts) + 1
        worker.queue.append(unit)
        self.check_memory(self.homes[given.worker])

    def check_memory(self, node: str) -> None:
        """The largest units of the workers of a node fit into it together, or one has the node for itself."""
        queues = (worker.queue for place, worker in self.workers.items() if self.homes[place] == node)
        held = [max(unit.bytes for unit in queue) for queue in queues if queue]
        assert len(held) <= 1 or sum(held) <= self.nodes[node], f"{held} on a node of {self.nodes[node]} bytes"

    def is_leaving(self, place: int) -> bool:
        """Whether the news that a place has gone are on their way."""
        return any(isinstance(event, WorkerLost | PlaceWithdrawn) and event.worker == place for event in self.news)

    def happen(self) -> Event:
        """One event: news, a start, an answer, a loss, or time that passes (long when nothing else can happen)."""
        self.now += self.rng.random()
        if self.news:
            event = self.news.popleft()
            if isinstance(event, WorkerLost):
                self.workers.pop(event.worker, None)
            return event
        if self.rng.random() < self.hazards.nodes_go:
            self.change_nodes()
            return Tick()
        awake = [place for place, worker in self.workers.items() if worker.silent_until < self.now]
        able = [place for place in awake if self.workers[place].queue or not self.workers[place].ready]
        if not able:
            self.now += 3.0
            return Tick()
        place = self.rng.choice(able)
        return self.answer(place) if self.workers[place].ready else self.come_up(place)

    def change_nodes(self) -> None:
        """A node comes back, is drained or is lost with all of its places."""
        there = sorted({self.homes[place] for place in self.places})
        gone = [node for node in self.nodes if node not in there]
        if gone and (self.rng.random() < 0.7 or not there):
            self.join(self.rng.choice(gone), self.rng.randrange(1, 4))
            return
        node, drained = self.rng.choice(there), self.rng.random() < 0.5
        for place in sorted(place for place in self.places if self.homes[place] == node):
            self.places.remove(place)
            if drained:
                self.news.append(PlaceWithdrawn(worker=place, reason="drained"))
            else:
                self.news.append(WorkerLost(worker=place, reason="node lost", blameless=True, place_gone=True))

    def come_up(self, place: int) -> Event:
        """A start succeeds or not."""
        if self.rng.random() < self.hazards.flaky / 2:
            del self.workers[place]
            return WorkerLost(worker=place, reason="died at the start")
        self.workers[place].ready = True
        return WorkerReady(worker=place, canary={})

    def answer(self, place: int) -> Event:
        """A worker is done with a unit, or fails, or falls silent."""
        worker = self.workers[place]
        unit = worker.queue[0]
        alone = not any(other.queue for name, other in self.workers.items() if self.beside(place, name))
        blocks = set(unit.blocks)
        large = blocks & self.hazards.too_hungry or (blocks & self.hazards.hungry and not (alone and len(blocks) == 1))
        if large:
            return self.fail(place, "no memory", out_of_memory=True)
        if blocks & self.hazards.poisoned or self.rng.random() < self.hazards.flaky:
            if self.rng.random() < 0.3:
                worker.silent_until = float("inf")
                return Tick()
            return self.fail(place, "raised")
        if self.rng.random() < self.hazards.stragglers:
            worker.silent_until = self.now + self.rng.choice([2.0, 6.0])
            return Tick()
        worker.queue.popleft()
        self.computed |= blocks
        return UnitDone(worker=place, unit=unit, seconds=unit.seconds)

    def beside(self, place: int, other: int) -> bool:
        """Whether another place is on the same node."""
        return other != place and self.homes[other] == self.homes[place]

    def fail(self, place: int, error: str, *, out_of_memory: bool = False) -> Event:
        """A unit raises, or ends its worker."""
        worker = self.workers[place]
        unit = worker.queue[0]
        self.tried[unit] = self.tried.get(unit, 0) + 1
        if self.rng.random() < 0.5:
            worker.queue.popleft()
            return UnitFailed(
                worker=place,
                unit=unit,
                block=unit.span.block(0),
                error=error,
                traceback=error,
                out_of_memory=out_of_memory,
            )
        del self.workers[place]
        return WorkerLost(worker=place, reason=error, out_of_memory=out_of_memory)


def spans_of(rng: random.Random, units: int) -> list[Series]:
    """Series of about so many units in all, of several lengths, seconds and bytes."""
    made: list[Series] = []
    while units > 0:
        count = rng.randrange(1, 9)
        length = rng.randrange(1, 4)
        span = Span("trials", len(made), 64, rng.randrange(3), count)
        made.append(Series(span, length, float(rng.randrange(1, 6)), rng.choice([1, 1, 2, 5, 9])))
        units -= made[-1].count
    return made
