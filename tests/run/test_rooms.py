"""Where workers find room, and what the errors of Ray say of them: decisions without Ray."""

import pytest
from ray.exceptions import ActorUnschedulableError, OutOfMemoryError, RayActorError

from widthwise.errors import ClusterError
from widthwise.plan import Block, Span, Unit
from widthwise.run.messages import Event, StopAsked, UnitDone, UnitFailed, WorkerLost
from widthwise.run.on_ray import Need, need_of
from widthwise.run.on_ray.calls import Call
from widthwise.run.on_ray.failures import failure_of
from widthwise.run.on_ray.nodes import Node
from widthwise.run.on_ray.rooms import Rooms
from widthwise.spec import Numerics

UNIT = Unit(Span("limit", 0, 0, 0, 1), 1.0, 1)


def node(name: str, *, cpus: float, free: float | None = None, gpus: float = 0.0) -> Node:
    total = {"CPU": cpus, "GPU": gpus, "memory": 1e9}
    return Node(id=name, name=name, total=total, free=total | {"CPU": cpus if free is None else free})


@pytest.mark.parametrize(
    ("cpus", "gpus", "resources", "count"),
    [
        (1, 0.0, {"CPU": 4.0}, 4),
        (3, 0.0, {"CPU": 8.0}, 2),
        (1, 0.0, {}, 0),
        (2, 1.0, {"CPU": 16.0, "GPU": 2.0}, 2),
        (2, 0.5, {"CPU": 16.0, "GPU": 2.0}, 4),
        (1, 0.4, {"CPU": 16.0, "GPU": 2.0}, 4),  # two on each: none has parts of both
        (1, 0.25, {"CPU": 16.0, "GPU": 1.5}, 6),
        (1, 1.0, {"CPU": 16.0, "GPU": 0.5}, 0),
        (1, 1 / 3, {"CPU": 16.0, "GPU": 1.0}, 3),
    ],
)
def test_a_node_holds_as_many_workers_as_have_processors_and_their_part_of_one_gpu(
    cpus: int, gpus: float, resources: dict[str, float], count: int
) -> None:
    assert Need(cpus=cpus, gpus=gpus).fit(resources) == count


def test_only_runs_on_gpus_take_a_part_of_one() -> None:
    assert need_of(Numerics(threads=2), 0.5) == Need(cpus=2)
    assert need_of(Numerics(threads=2, device="cuda"), 0.5) == Need(cpus=2, gpus=0.5)


def test_places_are_handed_out_one_per_node_in_turn() -> None:
    found = Rooms(Need(cpus=1), 1).find([node("a", cpus=3), node("b", cpus=1)], {}, {})
    assert found == [("a",), ("b",), ("a",), ("a",)]


def test_what_others_hold_is_no_room() -> None:
    assert Rooms(Need(cpus=2), 1).find([node("a", cpus=8, free=5)], {}, {}) == [("a",), ("a",)]


def test_what_is_ours_is_offered_once() -> None:
    rooms = Rooms(Need(cpus=1), 1)
    nodes = [node("a", cpus=2)]  # nobody has started there yet, so that all is free
    assert len(rooms.find(nodes, {}, {})) == 2
    for _ in range(3):
        assert rooms.find(nodes, {"a": 2}, {"a": 2}) == []


def test_a_worker_that_has_just_died_leaves_no_second_room_behind() -> None:
    rooms = Rooms(Need(cpus=1), 1)
    freed, taken = [node("a", cpus=2, free=1)], [node("a", cpus=2, free=0)]
    assert rooms.find(taken, {"a": 1}, {}) == []
    assert rooms.find(freed, {"a": 1}, {}) == []  # one look is not enough: ours may have died
    rooms.stir({"a"})  # and so it was
    assert rooms.find(freed, {"a": 1}, {"a": 1}) == []
    assert rooms.find(freed, {"a": 1}, {"a": 1}) == []


def test_room_that_another_user_gives_back_is_offered_at_the_second_look() -> None:
    rooms = Rooms(Need(cpus=1), 1)
    freed = [node("a", cpus=2, free=1)]
    assert rooms.find(freed, {"a": 1}, {}) == []
    assert rooms.find(freed, {"a": 1}, {}) == [("a",)]


def test_a_group_is_on_one_node_where_it_can_be() -> None:
    found = Rooms(Need(cpus=1), 2).find([node("a", cpus=3), node("b", cpus=3), node("c", cpus=1)], {}, {})
    assert found == [("a", "a"), ("b", "b"), ("a", "b")]


def _call(*answers: Event) -> Call:
    return Call(worker=0, assignment=3, members=2, answers=list(answers))


def _done(seconds: float) -> UnitDone:
    return UnitDone(worker=0, unit=UNIT, seconds=seconds)


FAILED = UnitFailed(worker=0, unit=UNIT, block=Block("limit", 0, 0, 0), error="e", traceback="t")
LOST = WorkerLost(worker=0, reason="shard 1 of 2 was silent for 5 s")
STOP = StopAsked(error=ClusterError("no"))


def test_a_unit_is_done_when_every_member_is_and_lasts_as_long_as_the_slowest() -> None:
    assert _call(_done(2.0)).verdict() is None
    assert _call(_done(2.0), _done(3.0)).verdict() == _done(3.0)


def test_one_silent_member_ends_the_group_and_an_error_only_the_unit() -> None:
    assert _call(LOST).verdict() == LOST
    assert _call(FAILED).verdict() is None  # until the others are back: the group goes on
    assert _call(FAILED, LOST).verdict() == FAILED
    assert _call(LOST, FAILED).verdict() == FAILED
    assert _call(_done(1.0), STOP).verdict() == STOP


def test_the_node_is_to_blame_where_it_went() -> None:
    died = RayActorError(
        error_msg="The actor is dead because its worker process has died. Some common causes include: (1)"
    )
    assert failure_of(4, died, node_lives=False) == WorkerLost(
        worker=4, reason="its node is gone", blameless=True, place_gone=True
    )
    mine = failure_of(4, died, node_lives=True)
    assert mine == WorkerLost(worker=4, reason="The actor is dead because its worker process has died.")
    drained = failure_of(4, ActorUnschedulableError("no such node"), node_lives=True)
    assert isinstance(drained, WorkerLost)
    assert drained.place_gone


def test_a_worker_that_ray_ended_to_save_memory_is_out_of_memory() -> None:
    lost = failure_of(4, OutOfMemoryError("memory on the node is low"), node_lives=True)
    assert isinstance(lost, WorkerLost)
    assert lost.out_of_memory
    assert not lost.blameless


def test_a_node_without_widthwise_ends_the_run_and_says_the_remedy() -> None:
    stop = failure_of(4, RayActorError(error_msg="ModuleNotFoundError: No module named 'widthwise'"), node_lives=True)
    assert isinstance(stop, StopAsked)
    assert "install widthwise" in str(stop.error)
