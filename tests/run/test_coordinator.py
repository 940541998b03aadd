"""The coordinator under thousands of simulated schedules of failures, and its single decisions."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_cluster import LIMITS, Hazards, World, spans_of

from widthwise.errors import ClusterError, StorageError
from widthwise.plan import Series, Span, Unit
from widthwise.run.coordinator import Coordinator
from widthwise.run.messages import (
    Assign,
    Finish,
    Instruction,
    KillWorker,
    PlaceOffered,
    PlaceWithdrawn,
    Quarantine,
    RestartWorker,
    StopAsked,
    Tick,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)


def make_units(count: int, *, seconds: float | None = None, bytes_: int = 1) -> list[Series]:
    """Units of one block each, of 1 to 5 seconds."""
    return [
        Series(Span("trials", 0, 64, index, 1), 1, float(index % 5 + 1) if seconds is None else seconds, bytes_)
        for index in range(count)
    ]


def simulate(
    seed: int, hazards: Hazards, *, units: int, places: int, most: int, nodes: int = 2
) -> tuple[World, Coordinator, list[Series]]:
    rng = random.Random(seed)
    series = spans_of(rng, units)
    blocks = [block for each in series for block in each.span.blocks]
    some = [frozenset(rng.sample(blocks, min(count, len(blocks)))) for count in (1, 2, 1)]
    hazards = replace(
        hazards,
        poisoned=some[0] if hazards.flaky else frozenset(),
        hungry=some[1] if hazards.flaky else frozenset(),
        too_hungry=some[2] if hazards.flaky else frozenset(),
    )
    world = World(rng=rng, hazards=hazards, most=most, nodes={f"n{i}": rng.choice([6, 9, 12]) for i in range(nodes)})
    for node in world.nodes:
        world.join(node, places)
    coordinator = Coordinator(series, workers=most, limits=LIMITS)
    world.carry_out(coordinator.begin(world.now))
    for _ in range(400 * (len(blocks) + most + 5)):
        if world.finish is not None:
            return world, coordinator, series
        event = world.happen()
        world.carry_out(coordinator.handle(event, world.now))
        world.carry_out([] if world.finish else coordinator.handle(Tick(), world.now))
    pytest.fail("the coordinator never finishes")


def check(world: World, coordinator: Coordinator, series: list[Series]) -> None:
    """Every block is computed or given up, once, and the coordinator has counted right."""
    ledger = coordinator.ledger
    given_up = [block for quarantine in world.quarantined for block in quarantine.unit.blocks]
    everything = {block for each in series for block in each.span.blocks}
    assert world.finish is not None
    assert len(given_up) == len(set(given_up)), "given up twice"
    assert ledger.quarantined == world.quarantined
    late = world.computed & set(given_up)  # a copy that came too late to count
    assert ledger.done_blocks == len(world.computed - late)
    if world.finish.error is None:
        assert world.computed | set(given_up) == everything, "a block got lost"
        assert world.hazards.poisoned | world.hazards.too_hungry <= set(given_up)
        assert (ledger.open_units, ledger.waiting.units) == (0, 0)
        assert ledger.open_seconds == pytest.approx(0, abs=1e-6)
        assert ledger.total_blocks == len(everything)
    else:
        assert isinstance(world.finish.error, ClusterError)


def hazards_of(rng: random.Random) -> Hazards:
    return Hazards(
        flaky=rng.choice([0.0, 0.1, 0.4]),
        nodes_go=rng.choice([0.0, 0.0, 0.05]),
        stragglers=rng.choice([0.0, 0.2]),
    )


def test_thousands_of_schedules_end_with_every_block_done_or_given_up_once() -> None:
    aborted = copies = 0
    for seed in range(400):
        rng = random.Random(seed)
        found = simulate(
            seed,
            hazards_of(rng),
            units=rng.randrange(0, 25),
            places=rng.randrange(1, 4),
            most=rng.randrange(1, 6),
            nodes=rng.randrange(1, 4),
        )
        check(*found)
        aborted += found[0].finish is not None and found[0].finish.error is not None
        copies += found[0].copies
    assert 0 < aborted < 300  # both ends are reached
    assert copies > 20


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    units=st.integers(0, 40),
    places=st.integers(1, 4),
    most=st.integers(1, 9),
    flaky=st.floats(0, 0.9),
    nodes_go=st.floats(0, 0.1),
    stragglers=st.floats(0, 0.5),
)
def test_schedules_found_by_hypothesis(
    seed: int, units: int, places: int, most: int, flaky: float, nodes_go: float, stragglers: float
) -> None:
    hazards = Hazards(flaky=flaky, nodes_go=nodes_go, stragglers=stragglers)
    check(*simulate(seed, hazards, units=units, places=places, most=most))


def test_without_failures_every_worker_starts_once_and_nothing_is_counted() -> None:
    world, coordinator, _ = simulate(7, Hazards(), units=30, places=2, most=3)
    assert (world.starts, coordinator.ledger.failures, world.copies) == (3, 0, 0)


def test_the_same_events_give_the_same_instructions() -> None:
    hazards = Hazards(flaky=0.3, nodes_go=0.03, stragglers=0.1)
    first, second = (simulate(11, hazards, units=20, places=2, most=4)[0] for _ in range(2))
    assert (first.now, first.starts, first.tried) == (second.now, second.starts, second.tried)


GIB = 1 << 30


def offer(worker: int, node: str = "a", node_bytes: int = GIB) -> PlaceOffered:
    return PlaceOffered(worker=worker, node=node, node_bytes=node_bytes)


def ready(worker: int) -> WorkerReady:
    return WorkerReady(worker=worker, canary={})


def done(worker: int, unit: Unit, seconds: float | None = None) -> UnitDone:
    return UnitDone(worker=worker, unit=unit, seconds=unit.seconds if seconds is None else seconds)


def failed(worker: int, unit: Unit, *, out_of_memory: bool = False) -> UnitFailed:
    block = unit.span.block(0)
    return UnitFailed(
        worker=worker, unit=unit, block=block, error="raised", traceback="here", out_of_memory=out_of_memory
    )


def lost(worker: int, *, blameless: bool = False, place_gone: bool = False) -> WorkerLost:
    return WorkerLost(worker=worker, reason="killed", blameless=blameless, place_gone=place_gone)


def begun(series: list[Series], *offers: PlaceOffered, most: int = 99) -> tuple[Coordinator, list[Instruction]]:
    """A coordinator whose workers are all ready, and what it told them."""
    coordinator = Coordinator(series, workers=most, limits=LIMITS)
    coordinator.begin(0.0)
    started = [i for each in offers for i in coordinator.handle(each, 0.0)]
    instructions: list[Instruction] = []
    for each in started:
        assert isinstance(each, RestartWorker)
        instructions += coordinator.handle(ready(each.worker), 0.0)
    return coordinator, instructions


def assigned(instructions: list[Instruction], worker: int | None = None) -> list[Unit]:
    return [i.unit for i in instructions if isinstance(i, Assign) and worker in (None, i.worker)]


def seconds(units: list[Unit]) -> list[float]:
    return [unit.seconds for unit in units]


def test_largest_units_come_first() -> None:
    _, instructions = begun(make_units(9), offer(0), offer(1))
    assert seconds(assigned(instructions)) == [5.0, 4.0, 4.0, 3.0]


def test_units_are_made_from_spans_largest_first_until_none_is_left() -> None:
    """Spans of 7 blocks in threes and of 3 in twos: units of 3, 3 and 1 s, and of 20 and 10."""
    spans = [
        Series(Span("trials", 0, 8, 10, 7), 3, 1.0, 1),
        Series(Span("limit", 0, 0, 0, 3), 2, 10.0, 1),
    ]
    coordinator, instructions = begun(spans, offer(0))
    units: list[Unit] = []
    while found := assigned(instructions):
        units += found
        instructions = [i for unit in found for i in coordinator.handle(done(0, unit), 0.0)]
    assert seconds(units) == [20.0, 10.0, 3.0, 3.0, 1.0]
    assert [(unit.span.first, unit.span.count) for unit in units] == [(0, 2), (2, 1), (10, 3), (13, 3), (16, 1)]
    assert instructions == [Finish(error=None)]
    assert (coordinator.ledger.done_units, coordinator.ledger.done_blocks) == (5, 10)


def test_a_queue_grows_only_while_every_worker_could_still_be_given_a_unit() -> None:
    _, instructions = begun(make_units(3), offer(0), offer(1))
    assert len(assigned(instructions)) == 2  # the third waits for whichever worker is free first


def test_only_the_running_unit_is_blamed_for_the_loss_of_its_worker() -> None:
    coordinator, instructions = begun(make_units(6, seconds=1.0), offer(0))
    running, queued = assigned(instructions)
    for _ in range(2):
        coordinator.handle(lost(0), 1.0)
        again = assigned(coordinator.handle(ready(0), 1.0))
        assert running not in again  # those that never failed come first
        running, queued = again
    assert coordinator.ledger.failures == 2
    assert coordinator.ledger.open_units == 6
    assert running != queued


def test_a_unit_that_failed_waits_for_all_that_have_not() -> None:
    coordinator, instructions = begun(make_units(4), offer(0))
    largest, second = assigned(instructions)
    first = coordinator.handle(failed(0, largest), 1.0)
    later = coordinator.handle(done(0, second), 1.0)
    assert seconds(assigned([*first, *later])) == [2.0, 1.0]


def test_a_unit_is_given_up_with_what_is_known_of_its_last_failure() -> None:
    coordinator, instructions = begun(make_units(1), offer(0))
    (unit,) = assigned(instructions)
    attempts = []
    for _ in range(3):
        *_, last = instructions
        attempts.append(last.attempt if isinstance(last, Assign) else None)
        instructions = coordinator.handle(failed(0, unit), 1.0)
    quarantine = Quarantine(unit=unit, block=unit.span.block(0), attempts=3, error="raised", traceback="here")
    assert attempts == [1, 2, 3]
    assert instructions == [quarantine, Finish(error=None)]
    assert coordinator.ledger.quarantined == [quarantine]


def test_a_block_that_raises_is_tried_and_given_up_alone_and_those_beside_it_are_computed() -> None:
    coordinator, instructions = begun([Series(Span("trials", 0, 8, 0, 9), 9, 1.0, 1)], offer(0))
    seen: list[tuple[int, int]] = []
    queue = assigned(instructions)
    while queue:
        unit = queue.pop(0)
        seen.append((unit.span.first, unit.span.count))
        bad = next((block for block in unit.blocks if block.index == 5), None)
        failure = UnitFailed(worker=0, unit=unit, block=bad, error="bad", traceback="") if bad else None
        instructions = coordinator.handle(failure or done(0, unit), 0.0)
        queue += assigned(instructions)
    assert sorted(seen) == [(0, 5), (0, 9), (5, 1), (5, 1), (5, 1), (6, 3)]
    (quarantine,) = coordinator.ledger.quarantined
    assert quarantine.unit.blocks == (quarantine.block,)
    assert (coordinator.ledger.done_blocks, coordinator.ledger.total_units) == (8, 3)


def test_where_nothing_can_be_computed_units_are_given_up_whole_after_a_while() -> None:
    coordinator, instructions = begun([Series(Span("trials", 0, 8, 0, 1000), 100, 1.0, 1)], offer(0))
    calls = 0
    queue = assigned(instructions)
    while queue:
        calls += 1
        queue += assigned(coordinator.handle(failed(0, queue.pop(0)), 0.0))
    assert calls < 150
    assert sum(each.unit.span.count for each in coordinator.ledger.quarantined) == 1000


def test_losses_without_fault_are_never_counted() -> None:
    coordinator, instructions = begun(make_units(1), offer(0))
    for _ in range(50):
        assert coordinator.handle(lost(0, blameless=True), 1.0) == [RestartWorker(worker=0)]
        assert coordinator.handle(lost(0, blameless=True), 1.0) == [RestartWorker(worker=0)]  # while it starts
        (again,) = coordinator.handle(ready(0), 1.0)
        assert again == Assign(worker=0, unit=assigned(instructions)[0], attempt=1)
    assert coordinator.ledger.failures == 0


def test_a_place_is_given_up_for_losses_in_a_row_only() -> None:
    coordinator = Coordinator(make_units(3, seconds=1.0), workers=1, limits=LIMITS)
    coordinator.begin(0.0)
    restart = [RestartWorker(worker=0)]
    assert coordinator.handle(offer(0), 0.0) == restart
    assert coordinator.handle(lost(0), 0.0) == coordinator.handle(lost(0), 0.0) == restart
    running, queued = assigned(coordinator.handle(ready(0), 0.0))
    coordinator.handle(done(0, running), 1.0)
    assert RestartWorker(worker=0) in coordinator.handle(lost(0), 1.0)  # of a running unit
    assert coordinator.handle(lost(0), 1.0) == coordinator.handle(lost(0), 1.0) == restart
    assert isinstance(coordinator.handle(lost(0), 1.0)[-1], Finish)
    assert queued != running


def test_no_more_places_are_used_than_asked_for_and_a_spare_one_takes_over() -> None:
    coordinator, instructions = begun(make_units(9), offer(0), offer(1), offer(2), offer(3), most=2)
    assert {i.worker for i in instructions if isinstance(i, Assign)} == {0, 1}
    assert coordinator.handle(lost(2, place_gone=True), 1.0) == []  # a spare one that goes is not missed
    assert coordinator.handle(lost(0, place_gone=True), 1.0) == [RestartWorker(worker=3)]
    assert coordinator.workers == 1
    assert assigned(coordinator.handle(ready(3), 1.0)) != []


def test_a_node_that_joins_is_used_at_once() -> None:
    coordinator, _ = begun(make_units(9), offer(0))
    assert coordinator.handle(offer(7, "b"), 5.0) == [RestartWorker(worker=7)]
    assert len(assigned(coordinator.handle(ready(7), 6.0), 7)) == 2


def test_what_a_withdrawn_place_has_in_hand_goes_elsewhere_with_no_attempt_counted() -> None:
    coordinator, instructions = begun(make_units(4), offer(0), offer(1, "b"))
    mine = assigned(instructions, 0)
    (other,) = assigned(instructions, 1)
    assert coordinator.handle(PlaceWithdrawn(worker=0, reason="drained"), 1.0) == [KillWorker(worker=0)]
    assert assigned(coordinator.handle(done(1, other), 2.0))[0] == mine[0]
    assert coordinator.ledger.failures == 0
    assert coordinator.handle(done(0, mine[0]), 3.0) == []  # an answer that was on its way is not believed


def test_without_any_place_the_run_waits_for_one_then_ends() -> None:
    coordinator, _ = begun(make_units(2), offer(0))
    assert coordinator.handle(lost(0, blameless=True, place_gone=True), 100.0) == []
    assert coordinator.handle(Tick(), 130.0) == []
    (finish,) = coordinator.handle(Tick(), 130.1)
    assert isinstance(finish, Finish)
    assert "no node has had room for a worker for 30 s" in str(finish.error)
    assert isinstance(finish.error, ClusterError)


def test_a_node_that_comes_back_goes_on() -> None:
    coordinator, _ = begun(make_units(2), offer(0))
    coordinator.handle(lost(0, blameless=True, place_gone=True), 100.0)
    coordinator.handle(offer(1), 120.0)
    assert coordinator.handle(Tick(), 140.0) == []
    assert len(assigned(coordinator.handle(ready(1), 141.0))) == 1


def test_the_units_at_work_on_a_node_fit_into_its_memory_together() -> None:
    coordinator, instructions = begun(make_units(4, seconds=1.0, bytes_=6), offer(0, "a", 10), offer(1, "a", 10))
    assert {i.worker for i in instructions if isinstance(i, Assign)} == {0}  # one at a time, two in the queue
    first, second = assigned(instructions)
    assert assigned(coordinator.handle(done(0, first), 1.0), 1) == []
    later = coordinator.handle(done(0, second), 2.0)
    assert len(assigned(later)) == 1


def test_nodes_do_not_share_memory() -> None:
    _, instructions = begun(make_units(3, seconds=1.0, bytes_=6), offer(0, "a", 10), offer(1, "b", 10))
    assert {i.worker for i in instructions if isinstance(i, Assign)} == {0, 1}


def test_a_large_unit_waits_until_it_fits_while_small_ones_go_on_and_does_not_wait_for_ever() -> None:
    """Unit of 8 bytes beside units of 3 on a node of 10: its two workers let it in once their small ones are done."""
    small = Series(Span("trials", 0, 8, 0, 50), 1, 1.0, 3)
    coordinator, instructions = begun([small], offer(0, "a", 10), offer(1, "a", 10))
    large = Series(Span("trials", 0, 64, 0, 1), 1, 100.0, 8)
    coordinator.ledger.add([large])
    queues = {worker: assigned(instructions, worker) for worker in (0, 1)}
    for now in (1.0, 2.0, 3.0, 4.0):
        for worker, queue in queues.items():
            if queue:
                for each in coordinator.handle(done(worker, queue.pop(0)), now):
                    assert isinstance(each, Assign)
                    queues[each.worker].append(each.unit)
        if any(unit.bytes == 8 for queue in queues.values() for unit in queue):
            break
    assert any(unit.bytes == 8 for queue in queues.values() for unit in queue)
    assert sum(max((unit.bytes for unit in queue), default=0) for queue in queues.values()) <= 10


def test_beside_a_waiting_large_unit_only_what_does_not_delay_it_is_begun() -> None:
    """A node of 20 bytes is busy with 5 for 9 s; 16 wait: there is time for a unit of 8 s, then for none of 2 s."""
    first = Series(Span("trials", 0, 8, 0, 1), 1, 9.0, 5)
    coordinator, _ = begun([first], offer(0, "a", 20), offer(1, "a", 20))
    sizes = [(20.0, 16), (10.0, 3), (8.0, 3), (2.0, 3)]
    coordinator.ledger.add(
        Series(Span("trials", 1, 8, i, 1), 1, each, needed) for i, (each, needed) in enumerate(sizes)
    )
    (quick,) = assigned(coordinator.begin(0.0))
    assert quick.seconds == 8.0
    assert coordinator.handle(done(1, quick), 8.0) == []


def test_a_unit_larger_than_every_node_has_the_largest_for_itself() -> None:
    units = [Series(Span("limit", 0, 0, 0, 1), 1, 5.0, 100), *make_units(3, seconds=1.0, bytes_=1)]
    _, instructions = begun(units, offer(0, "small", 10), offer(1, "large", 50), offer(2, "large", 50))
    got = {i.worker: i.unit for i in instructions if isinstance(i, Assign)}
    assert got[1].bytes == 100
    assert 2 not in got
    assert got[0].bytes == 1


def test_out_of_memory_halves_a_unit_down_to_a_block_then_gives_it_a_node_then_gives_up_with_advice() -> None:
    coordinator, instructions = begun([Series(Span("limit", 0, 0, 0, 4), 4, 1.0, 4 * GIB)], offer(0), offer(1))
    seen = []
    while not (quarantines := [i for i in instructions if isinstance(i, Quarantine)]):
        (unit, *_) = (u for u in assigned(instructions) if u.span.first == 0)
        seen.append((unit.span.count, unit.bytes))
        (worker,) = (i.worker for i in instructions if isinstance(i, Assign) and i.unit == unit)
        instructions = coordinator.handle(failed(worker, unit, out_of_memory=True), 0.0)
        for other in [i for i in instructions if isinstance(i, Assign) and i.unit.span.first]:
            instructions += coordinator.handle(done(other.worker, other.unit), 0.0)
    assert seen == [(4, 4 * GIB), (2, 4 * GIB), (1, 4 * GIB), (1, 4 * GIB)]
    error = quarantines[0].error
    assert "out of memory alone on node a, which has 1 GiB for tensors; 4 GiB were predicted" in error
    assert "lower limit.samples" in error
    assert (coordinator.ledger.done_blocks, coordinator.ledger.total_blocks) == (3, 4)
    assert instructions[-1] == Finish(error=None)


def test_a_block_that_had_no_memory_beside_others_is_alone_on_its_node() -> None:
    units = [Series(Span("limit", 0, 0, 0, 1), 1, 5.0, 1), *make_units(6, seconds=1.0)]
    coordinator, instructions = begun(units, offer(0), offer(1))
    hungry = assigned(instructions)[0]
    queue = {worker: [u for u in assigned(instructions, worker) if u != hungry] for worker in (0, 1)}
    instructions = coordinator.handle(failed(0, hungry, out_of_memory=True), 0.0)
    for _ in range(20):
        for each in (i for i in instructions if isinstance(i, Assign)):
            queue[each.worker].append(each.unit)
        if hungry in queue[0] + queue[1]:
            break
        worker = 0 if queue[0] else 1
        instructions = coordinator.handle(done(worker, queue[worker].pop(0)), 0.0)
    assert sorted(map(len, queue.values())) == [0, 1]
    assert coordinator.handle(failed(0 if queue[0] else 1, hungry, out_of_memory=True), 0.0)[-1] == Finish(error=None)


def test_in_the_end_a_slow_place_takes_the_smallest_unit() -> None:
    """Two places take what was predicted, the third ten times as long: of 12 and 10 s it is given the 10."""
    series = [Series(Span("trials", 0, 8, index, 1), 1, each, 1) for index, each in enumerate((30.0, 30.0, 1.0))]
    coordinator = Coordinator(series, workers=3, limits=LIMITS)
    coordinator.begin(0.0)
    for worker in range(3):
        coordinator.handle(offer(worker), 0.0)
    heads = {worker: assigned(coordinator.handle(ready(worker), 0.0))[0] for worker in (1, 2, 0)}
    for worker in (1, 2):
        coordinator.handle(done(worker, heads[worker]), 3.0)
    coordinator.ledger.add(
        Series(Span("limit", 0, 0, i, 1), 1, each, 1) for i, each in enumerate((20.0, 15.0, 12.0, 10.0))
    )
    assert seconds(assigned(coordinator.begin(4.0))) == [20.0, 15.0]
    assert seconds(assigned(coordinator.handle(done(0, heads[0], 10.0), 10.0))) == [10.0]


def test_the_largest_unit_goes_to_the_fastest_of_several_idle_places() -> None:
    coordinator, instructions = begun(make_units(2, seconds=10.0), offer(0), offer(1))
    first, second = assigned(instructions)
    coordinator.handle(done(0, first, 20.0), 1.0)
    coordinator.ledger.add(Series(Span("limit", 0, 0, i, 1), 1, each, 1) for i, each in enumerate((5.0, 9.0)))
    (given,) = (i for i in coordinator.handle(done(1, second, 5.0), 1.0) if isinstance(i, Assign) and i.worker == 1)
    assert given.unit.seconds == 9.0


def test_a_late_unit_is_run_again_elsewhere_and_the_first_to_finish_wins() -> None:
    coordinator, instructions = begun(make_units(2, seconds=1.0), offer(0), offer(1, "b"))
    slow, quick = assigned(instructions)
    assert coordinator.handle(done(1, quick), 1.0) == []
    assert coordinator.handle(Tick(), 2.9) == []  # three times what is to be expected
    assert coordinator.handle(Tick(), 4.0) == [Assign(worker=1, unit=slow, attempt=1)]
    assert coordinator.handle(Tick(), 8.0) == []  # not a third time
    assert coordinator.handle(done(1, slow), 8.5) == [Finish(error=None)]
    assert coordinator.handle(done(0, slow), 8.6) == []
    assert (coordinator.ledger.done_units, coordinator.ledger.failures) == (2, 0)


def test_what_is_late_is_measured_by_what_units_took_so_far() -> None:
    coordinator, instructions = begun(make_units(2, seconds=1.0), offer(0), offer(1, "b"))
    slow, quick = assigned(instructions)
    coordinator.handle(done(1, quick, 7.0), 7.0)
    assert coordinator.handle(Tick(), 9.9) == []
    assert assigned(coordinator.handle(Tick(), 21.1)) == [slow]


def test_the_failure_of_a_copy_leaves_the_other_at_work() -> None:
    coordinator, instructions = begun(make_units(2, seconds=1.0), offer(0), offer(1, "b"))
    slow, quick = assigned(instructions)
    coordinator.handle(done(1, quick), 1.0)
    coordinator.handle(Tick(), 4.0)
    assert coordinator.handle(failed(1, slow), 4.5) == []
    assert coordinator.handle(done(0, slow), 5.0) == [Finish(error=None)]


def test_a_loser_is_left_alone_until_something_waits_for_its_place() -> None:
    coordinator, instructions = begun(make_units(3, seconds=1.0), offer(0), offer(1, "b"), offer(2, "c"))
    slow, quick, third = assigned(instructions)
    coordinator.handle(done(1, quick), 1.0)
    coordinator.handle(Tick(), 4.0)
    assert coordinator.handle(done(1, slow), 4.5) != [KillWorker(worker=0)]
    assert coordinator.handle(Tick(), 5.5) == [Assign(worker=1, unit=third, attempt=1)]
    assert coordinator.handle(Tick(), 7.0) == []
    coordinator.ledger.add(make_units(9, seconds=1.0)[5:])
    assert coordinator.handle(Tick(), 8.0) == [KillWorker(worker=0), RestartWorker(worker=0)]
    assert coordinator.ledger.failures == 0


def test_who_comes_to_a_unit_that_is_done_elsewhere_is_a_loser_too() -> None:
    coordinator, instructions = begun(make_units(3, seconds=1.0), offer(0))
    first, second = assigned(instructions)
    coordinator.handle(offer(1, "b"), 0.0)
    (third,) = assigned(coordinator.handle(ready(1), 0.0))
    coordinator.handle(offer(2, "c"), 0.0)
    coordinator.handle(ready(2), 0.0)
    coordinator.handle(done(1, third), 1.0)
    copies = [Assign(worker=1, unit=first, attempt=1), Assign(worker=2, unit=second, attempt=1)]
    assert coordinator.handle(Tick(), 4.0) == copies
    coordinator.handle(done(2, second), 4.5)
    assert coordinator.handle(done(0, first), 5.0) == [Finish(error=None)]
    coordinator.ledger.add(make_units(9, seconds=1.0)[3:])
    assert len(assigned(coordinator.begin(6.0), 2)) == 1
    assert [i.worker for i in coordinator.handle(Tick(), 7.0) if isinstance(i, KillWorker)] == [0, 1]


def test_a_round_goes_on_with_the_workers_that_are_there() -> None:
    coordinator, instructions = begun(make_units(1), offer(0))
    (unit,) = assigned(instructions)
    assert coordinator.handle(done(0, unit), 1.0) == [Finish(error=None)]
    assert coordinator.begin(2.0) == [Finish(error=None)]
    coordinator.ledger.add(make_units(2)[1:])
    (again,) = coordinator.begin(3.0)
    assert isinstance(again, Assign)
    assert coordinator.handle(done(0, again.unit), 4.0) == [Finish(error=None)]
    assert coordinator.ledger.done_units == 2


def test_a_hanging_worker_is_killed_and_replaced() -> None:
    coordinator, _ = begun(make_units(1, seconds=5.0), offer(0))
    assert coordinator.handle(Tick(), 20.0) == []  # hang_factor * 5 s
    assert coordinator.handle(Tick(), 20.1) == [KillWorker(worker=0), RestartWorker(worker=0)]


def test_the_patience_for_a_queued_unit_begins_when_it_runs() -> None:
    coordinator, instructions = begun(make_units(6, seconds=1.0), offer(0))
    first, _ = assigned(instructions)
    coordinator.handle(done(0, first, 9.0), 9.0)
    assert not any(isinstance(i, KillWorker) for i in coordinator.handle(Tick(), 18.0))
    assert any(isinstance(i, KillWorker) for i in coordinator.handle(Tick(), 19.1))


def test_a_short_unit_after_a_long_one_has_only_its_own_patience() -> None:
    coordinator, instructions = begun(
        [Series(Span("trials", 0, 8, 0, 1), 1, 50.0, 1), *make_units(3, seconds=1.0)], offer(0)
    )
    coordinator.handle(done(0, assigned(instructions)[0], 20.0), 20.0)
    assert any(isinstance(i, KillWorker) for i in coordinator.handle(Tick(), 30.1))


def test_another_unit_in_the_queue_buys_no_time_for_the_first() -> None:
    coordinator, _ = begun(make_units(5, seconds=1.0), offer(0), offer(1))
    coordinator.handle(lost(0), 5.0)
    assert KillWorker(worker=1) in coordinator.handle(Tick(), 10.1)


def test_a_start_that_never_ends_is_repeated_then_given_up() -> None:
    coordinator = Coordinator(make_units(1), workers=1, limits=LIMITS)
    coordinator.begin(0.0)
    coordinator.handle(offer(0), 0.0)
    answers = [coordinator.handle(Tick(), 31.0 * attempt) for attempt in (1, 2, 3)]
    assert answers[:2] == [[KillWorker(worker=0), RestartWorker(worker=0)]] * 2
    kill, finish = answers[2]
    assert isinstance(kill, KillWorker)
    assert isinstance(finish, Finish)
    assert isinstance(finish.error, ClusterError)
    assert "did not start within 30 s" in str(finish.error)


def test_late_and_repeated_news_change_nothing() -> None:
    coordinator, instructions = begun(make_units(2, seconds=1.0), offer(0), offer(1))
    first, second = assigned(instructions)
    coordinator.handle(done(0, first), 1.0)
    for event in (done(0, first), failed(0, first), done(0, second), ready(1), done(9, second), ready(9)):
        assert coordinator.handle(event, 2.0) == []
    assert coordinator.ledger.done_units == 1
    assert coordinator.ledger.failures == 0


def test_a_stop_ends_the_run_with_its_error_and_nothing_follows() -> None:
    coordinator, instructions = begun(make_units(4), offer(0))
    error = StorageError("disk full")
    assert coordinator.handle(StopAsked(error=error), 1.0) == [Finish(error=error)]
    assert coordinator.handle(done(0, assigned(instructions)[0]), 2.0) == []


def test_nothing_to_do_starts_no_worker() -> None:
    assert Coordinator([], workers=3, limits=LIMITS).begin(0.0) == [Finish(error=None)]
