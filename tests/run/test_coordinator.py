"""The coordinator under thousands of simulated schedules of failures, and its single decisions."""

import random
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widthwise.errors import ClusterError, StorageError
from widthwise.plan.units import Block, Unit
from widthwise.run.coordinator import Coordinator, Limits
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

LIMITS = Limits(hang_seconds=10.0, hang_factor=4.0, start_seconds=30.0)


def make_units(count: int, *, seconds: float | None = None) -> list[Unit]:
    return [
        Unit((Block("trials", 0, 64, index),), seconds=float(index % 5 + 1) if seconds is None else seconds, bytes=1)
        for index in range(count)
    ]


@dataclass
class World:
    """A simulated cluster: draws what happens next, and checks every instruction against the state it leads to."""

    units: list[Unit]
    workers: int
    rng: random.Random
    poisoned: set[Unit]
    flaky: float
    now: float = 0.0
    alive: dict[int, bool] = field(default_factory=dict)
    queues: dict[int, deque[Unit]] = field(default_factory=dict)
    hanging: set[int] = field(default_factory=set)
    computed: set[Unit] = field(default_factory=set)
    attempts: dict[Unit, int] = field(default_factory=dict)
    finish: Finish | None = None
    quarantined: list[Quarantine] = field(default_factory=list)
    starts: int = 0

    def carry_out(self, instructions: list[Instruction]) -> None:
        for instruction in instructions:
            assert self.finish is None, "an instruction after Finish"
            match instruction:
                case RestartWorker(worker=worker):
                    assert worker not in self.queues, "started at a place that is taken"
                    self.alive[worker], self.queues[worker] = False, deque()
                    self.starts += 1
                case KillWorker(worker=worker):
                    if self.queues[worker]:
                        self.blame(self.queues[worker][0])
                    self.lose(worker)
                case Assign(worker=worker, unit=unit):
                    assert self.alive[worker], "assigned to a worker that is not ready"
                    self.queues[worker].append(unit)
                    assert len(self.queues[worker]) <= LIMITS.in_flight
                    assert sum(queue.count(unit) for queue in self.queues.values()) == 1, "a unit is in two queues"
                    assert unit not in self.computed, "a unit was computed twice"
                    assert instruction.attempt == self.attempts.get(unit, 0) + 1 <= LIMITS.attempts
                case Quarantine():
                    self.quarantined.append(instruction)
                case Finish():
                    self.finish = instruction

    def lose(self, worker: int) -> None:
        del self.alive[worker], self.queues[worker]
        self.hanging.discard(worker)

    def blame(self, unit: Unit) -> None:
        self.attempts[unit] = self.attempts.get(unit, 0) + 1

    def happen(self) -> Event:
        """One event: a start, an answer, a loss, or time that passes (long when nothing else is left to happen)."""
        self.now += self.rng.random()
        busy = [worker for worker, queue in self.queues.items() if queue and worker not in self.hanging]
        starting = [worker for worker, ready in self.alive.items() if not ready]
        if not busy and not starting:
            self.now += 100.0
            return Tick()
        worker = self.rng.choice(busy + starting)
        if worker in starting:
            return self.come_up(worker)
        return self.answer(worker)

    def come_up(self, worker: int) -> Event:
        if self.rng.random() < self.flaky / 2:
            self.lose(worker)
            return WorkerLost(worker=worker, reason="died at the start")
        self.alive[worker] = True
        return WorkerReady(worker=worker, canary={})

    def answer(self, worker: int) -> Event:
        unit = self.queues[worker][0]
        fate = self.rng.random()
        fails = unit in self.poisoned or fate < self.flaky
        if not fails:
            self.queues[worker].popleft()
            self.computed.add(unit)
            return UnitDone(worker=worker, unit=unit, seconds=unit.seconds)
        kind = self.rng.choice(["raise", "die", "hang"])
        if kind == "hang":
            self.hanging.add(worker)
            return Tick()
        self.blame(unit)
        if kind == "raise":
            self.queues[worker].popleft()
            return UnitFailed(worker=worker, unit=unit, error="raised")
        self.lose(worker)
        return WorkerLost(worker=worker, reason="killed")


def simulate(seed: int, *, units: int, workers: int, poisoned: int, flaky: float) -> tuple[World, Coordinator]:
    rng = random.Random(seed)
    listed = make_units(units)
    world = World(listed, workers, rng, set(rng.sample(listed, min(poisoned, units))), flaky)
    coordinator = Coordinator(listed, workers=workers, limits=LIMITS)
    world.carry_out(coordinator.begin(world.now))
    for _ in range(200 * (units + workers + 1)):
        if world.finish is not None:
            return world, coordinator
        instructions = coordinator.handle(world.happen(), world.now)
        world.carry_out(instructions)
    pytest.fail("the coordinator never finishes")


def check(world: World, coordinator: Coordinator) -> None:
    given_up = {quarantine.unit for quarantine in world.quarantined}
    assert world.finish is not None
    assert len(given_up) == len(world.quarantined), "a unit was quarantined twice"
    assert all(quarantine.attempts == LIMITS.attempts for quarantine in world.quarantined)
    assert all(world.attempts[unit] == LIMITS.attempts for unit in given_up), "given up for the fault of another"
    assert coordinator.done == world.computed
    assert not given_up & world.computed
    everything = set(world.units)
    if world.finish.error is None:
        assert given_up | world.computed == everything, "a unit got lost"
        assert world.poisoned <= given_up
    else:
        assert isinstance(world.finish.error, ClusterError)
        assert set(coordinator.unfinished) == everything - given_up - world.computed


def test_thousands_of_schedules_end_with_every_unit_done_or_quarantined() -> None:
    aborted = 0
    for seed in range(3000):
        rng = random.Random(seed)
        world, coordinator = simulate(
            seed,
            units=rng.randrange(0, 25),
            workers=rng.randrange(1, 6),
            poisoned=rng.choice([0, 0, 1, 3]),
            flaky=rng.choice([0.0, 0.1, 0.5]),
        )
        check(world, coordinator)
        aborted += world.finish is not None and world.finish.error is not None
    assert 0 < aborted < 300  # both ends are reached


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    units=st.integers(0, 40),
    workers=st.integers(1, 8),
    poisoned=st.integers(0, 6),
    flaky=st.floats(0, 0.9),
)
def test_schedules_found_by_hypothesis(seed: int, units: int, workers: int, poisoned: int, flaky: float) -> None:
    check(*simulate(seed, units=units, workers=workers, poisoned=poisoned, flaky=flaky))


def test_without_failures_every_worker_starts_once_and_nothing_is_counted() -> None:
    world, coordinator = simulate(7, units=30, workers=3, poisoned=0, flaky=0.0)
    assert (world.starts, coordinator.failures, len(coordinator.done)) == (3, 0, 30)


def test_the_same_events_give_the_same_instructions() -> None:
    first, _ = simulate(11, units=20, workers=4, poisoned=2, flaky=0.3)
    second, _ = simulate(11, units=20, workers=4, poisoned=2, flaky=0.3)
    assert (first.now, first.starts, first.attempts) == (second.now, second.starts, second.attempts)


def begun(units: list[Unit], *, workers: int) -> tuple[Coordinator, list[Instruction]]:
    coordinator = Coordinator(units, workers=workers, limits=LIMITS)
    coordinator.begin(0.0)
    instructions: list[Instruction] = []
    for worker in range(workers):
        instructions += coordinator.handle(WorkerReady(worker=worker, canary={}), 0.0)
    return coordinator, instructions


def assigned(instructions: list[Instruction]) -> list[Unit]:
    return [instruction.unit for instruction in instructions if isinstance(instruction, Assign)]


def test_largest_units_come_first() -> None:
    units = make_units(9)
    _, instructions = begun(units, workers=2)
    assert [unit.seconds for unit in assigned(instructions)] == sorted((u.seconds for u in units), reverse=True)[:4]


def test_a_queue_grows_only_while_every_worker_could_still_be_given_a_unit() -> None:
    _, instructions = begun(make_units(3), workers=2)
    assert len(assigned(instructions)) == 2  # the third waits for whichever worker is free first


def test_only_the_running_unit_is_blamed_for_the_loss_of_its_worker() -> None:
    coordinator, instructions = begun(make_units(6, seconds=1.0), workers=1)
    running, queued = assigned(instructions)
    for _ in range(2):
        coordinator.handle(WorkerLost(worker=0, reason="killed"), 1.0)
        again = assigned(coordinator.handle(WorkerReady(worker=0, canary={}), 1.0))
        assert running not in again  # those that never failed come first
        running, queued = again
    assert coordinator.failures == 2
    assert {running, queued} <= set(coordinator.unfinished)


def test_a_unit_that_failed_waits_for_all_that_have_not() -> None:
    units = make_units(4)
    coordinator, instructions = begun(units, workers=1)
    largest, second = assigned(instructions)
    first = coordinator.handle(UnitFailed(worker=0, unit=largest, error="raised"), 1.0)
    later = coordinator.handle(UnitDone(worker=0, unit=second, seconds=1.0), 1.0)
    assert [unit.seconds for unit in assigned([*first, *later])] == [2.0, 1.0]


def test_a_place_is_given_up_for_losses_in_a_row_only() -> None:
    coordinator = Coordinator(make_units(3, seconds=1.0), workers=1, limits=LIMITS)
    coordinator.begin(0.0)
    restart, lost = [RestartWorker(worker=0)], WorkerLost(worker=0, reason="no start")
    assert coordinator.handle(lost, 0.0) == coordinator.handle(lost, 0.0) == restart
    running, queued = assigned(coordinator.handle(WorkerReady(worker=0, canary={}), 0.0))
    coordinator.handle(UnitDone(worker=0, unit=running, seconds=1.0), 1.0)
    assert RestartWorker(worker=0) in coordinator.handle(lost, 1.0)  # of a running unit
    assert coordinator.handle(lost, 1.0) == coordinator.handle(lost, 1.0) == restart
    assert isinstance(coordinator.handle(lost, 1.0)[-1], Finish)
    assert queued in coordinator.unfinished


def test_a_hanging_worker_is_killed_and_replaced() -> None:
    coordinator, _ = begun(make_units(1, seconds=5.0), workers=1)
    assert coordinator.handle(Tick(), 20.0) == []  # hang_factor * 5 s
    assert coordinator.handle(Tick(), 20.1) == [KillWorker(worker=0), RestartWorker(worker=0)]


def test_the_patience_for_a_queued_unit_begins_when_it_runs() -> None:
    coordinator, instructions = begun(make_units(6, seconds=1.0), workers=1)
    first, _ = assigned(instructions)
    coordinator.handle(UnitDone(worker=0, unit=first, seconds=9.0), 9.0)
    assert not any(isinstance(i, KillWorker) for i in coordinator.handle(Tick(), 18.0))
    assert any(isinstance(i, KillWorker) for i in coordinator.handle(Tick(), 19.1))


def test_another_unit_in_the_queue_buys_no_time_for_the_first() -> None:
    coordinator = Coordinator(make_units(5, seconds=1.0), workers=2, limits=LIMITS)
    coordinator.begin(0.0)
    coordinator.handle(WorkerReady(worker=0, canary={}), 0.0)
    coordinator.handle(WorkerReady(worker=1, canary={}), 0.0)
    moved = coordinator.handle(WorkerLost(worker=0, reason="killed"), 5.0)
    assert [i.worker for i in moved if isinstance(i, Assign)] == [1]
    assert KillWorker(worker=1) in coordinator.handle(Tick(), 10.1)


def test_a_start_that_never_ends_is_repeated_then_given_up() -> None:
    coordinator = Coordinator(make_units(1), workers=1, limits=LIMITS)
    coordinator.begin(0.0)
    answers = [coordinator.handle(Tick(), 31.0 * attempt) for attempt in (1, 2, 3)]
    assert answers[:2] == [[KillWorker(worker=0), RestartWorker(worker=0)]] * 2
    kill, finish = answers[2]
    assert isinstance(kill, KillWorker)
    assert isinstance(finish, Finish)
    assert isinstance(finish.error, ClusterError)
    assert "did not start within 30 s" in str(finish.error)


def test_late_and_repeated_news_change_nothing() -> None:
    coordinator, instructions = begun(make_units(2, seconds=1.0), workers=2)
    first, second = assigned(instructions)
    coordinator.handle(UnitDone(worker=0, unit=first, seconds=1.0), 1.0)
    for event in (
        UnitDone(worker=0, unit=first, seconds=1.0),
        UnitFailed(worker=0, unit=first, error="late"),
        UnitDone(worker=0, unit=second, seconds=1.0),  # of another worker
        WorkerReady(worker=1, canary={}),
    ):
        assert coordinator.handle(event, 2.0) == []
    assert coordinator.done == {first}
    assert coordinator.failures == 0


def test_a_stop_ends_the_run_with_its_error_and_nothing_follows() -> None:
    coordinator, instructions = begun(make_units(4), workers=1)
    error = StorageError("disk full")
    assert coordinator.handle(StopAsked(error=error), 1.0) == [Finish(error=error)]
    late = UnitDone(worker=0, unit=assigned(instructions)[0], seconds=1.0)
    assert coordinator.handle(late, 2.0) == []


def test_nothing_to_do_starts_no_worker() -> None:
    assert Coordinator([], workers=3, limits=LIMITS).begin(0.0) == [Finish(error=None)]
