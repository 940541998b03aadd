"""RayExecutor: workers as actors of Ray, on whatever nodes have room for them."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from widthwise.plan.units import Unit
from widthwise.run.messages import (
    Event,
    PlaceOffered,
    PlaceWithdrawn,
    StopAsked,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)
from widthwise.run.on_ray.calls import Call, Calls, Ref
from widthwise.run.on_ray.environment import worker_environment
from widthwise.run.on_ray.failures import failure_of
from widthwise.run.on_ray.groups import Meeting
from widthwise.run.on_ray.member import Member
from widthwise.run.on_ray.need import need_of
from widthwise.run.on_ray.nodes import Node, lives
from widthwise.run.on_ray.rooms import Rooms
from widthwise.run.on_ray.watch import Watch
from widthwise.run.station import Job
from widthwise.spaces.shard import SHARD_SECONDS
from widthwise.version import __version__


@dataclass(eq=False)
class _Place:
    """Rooms on ``nodes``, one for each member, and the actors that are there; ``up`` once one of them has answered."""

    nodes: tuple[str, ...]
    actors: list[Any] = field(default_factory=list)
    meeting: Any = None
    up: bool = False
    leaving: bool = False


class RayExecutor:
    """Actors that Ray neither restarts nor retries by itself: the coordinator counts the attempts.

    Every actor is pinned to the node of its place. They all belong to this process and end with it, even when it is
    killed.
    """

    def __init__(
        self,
        job: Job,
        *,
        workers: int,
        shards: int = 1,
        gpus_per_worker: float = 1.0,
        shard_seconds: float = SHARD_SECONDS,
    ) -> None:
        """Offer what the Ray that this process is connected to has room for; ``workers`` is what is expected at first.

        Args:
            job: what the workers work on.
            workers: number of places at first.
            shards: members of a place.
            gpus_per_worker: part of a GPU for each member of a run on GPUs, at most 1.
            shard_seconds: how long members wait for one of them.
        """
        numerics = job.spec.numerics
        need = need_of(numerics, gpus_per_worker)
        environment = worker_environment(numerics.threads)
        self.workers = workers
        self._shards = shards
        self._settings = (shard_seconds, need.gpus)
        self._job = ray.put(job)
        once: dict[str, Any] = {"max_restarts": 0, "max_task_retries": 0, "runtime_env": {"env_vars": environment}}
        self._member: Any = ray.remote(**once, num_cpus=need.cpus, num_gpus=need.gpus)(Member)
        self._meeting: Any = ray.remote(**once, num_cpus=0)(Meeting)
        self._rooms = Rooms(need, shards)
        self._watch = Watch()
        self._places: dict[int, _Place] = {}
        self._calls = Calls()
        self._numbers, self._assignments = count(), count()

    def start(self, worker: int) -> None:
        """Ask Ray for the actors of a place, and them to open their stations."""
        place = self._places[worker]
        self._rooms.stir(place.nodes)
        shard_seconds, gpus = self._settings
        if self._shards > 1:
            near = NodeAffinitySchedulingStrategy(place.nodes[0], soft=True)
            place.meeting = self._meeting.options(scheduling_strategy=near).remote(self._shards, shard_seconds)
        for index, node in enumerate(place.nodes):
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            actor = self._member.options(scheduling_strategy=there).remote(
                __version__, self._job, worker, (index, self._shards), place.meeting, shard_seconds, gpus
            )
            place.actors.append(actor)
        self._ask(worker, [actor.open.remote() for actor in place.actors], next(self._assignments))

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """Queue a unit with every member."""
        number = next(self._assignments)
        actors = self._places[worker].actors
        self._ask(worker, [actor.compute.remote(unit, attempt, number) for actor in actors], number)

    def kill(self, worker: int) -> None:
        """End the processes at a place and forget their calls."""
        self._calls.drop(worker)
        place = self._places.get(worker)
        if place is None:
            return
        for actor in (*place.actors, place.meeting):
            if actor is not None:
                ray.kill(actor, no_restart=True)
        place.actors, place.meeting, place.up = [], None, False
        self._rooms.stir(place.nodes)
        if place.leaving:
            del self._places[worker]

    def poll(self, seconds: float) -> Sequence[Event]:
        """News of the nodes and every answer that is there; waits for one if there is none."""
        events = self._survey(nodes) if (nodes := self._watch.news()) is not None else []
        for ref in self._ready(0.0 if events else seconds):
            events += self._hear(ref)
        return events

    def close(self) -> None:
        """Look no more, and end every actor."""
        self._watch.close()
        for worker in list(self._places):
            self.kill(worker)

    def _ask(self, worker: int, refs: Sequence[Ref], assignment: int) -> None:
        self._calls.add(Call(worker=worker, assignment=assignment, members=len(refs)), refs)

    def _ready(self, seconds: float) -> Sequence[Ref]:
        refs = self._calls.refs()
        if not refs:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
        if not ready and seconds:
            ready, _ = ray.wait(refs, num_returns=1, timeout=seconds, fetch_local=False)
        return ready

    def _hear(self, ref: Ref) -> list[Event]:
        call = self._calls.take(ref)
        if call is None:  # its worker was lost a moment ago
            return []
        try:
            call.answers.append(ray.get(ref))
        except RayError as error:
            return [self._settled(self._failure(call.worker, error), call.worker)]
        verdict = call.verdict()
        if verdict is None:
            self._release(call)
            return []
        return [self._settled(verdict, call.worker)]

    def _release(self, call: Call) -> None:
        """Let no member wait for one that has failed."""
        meeting = self._places[call.worker].meeting
        if call.failed and meeting is not None:
            meeting.break_off.remote(call.assignment)

    def _settled(self, verdict: Event, worker: int) -> Event:
        place = self._places[worker]
        if isinstance(verdict, WorkerReady | UnitDone | UnitFailed):
            if not place.up:
                self._rooms.stir(place.nodes)
            place.up = True
        elif isinstance(verdict, WorkerLost):
            place.leaving = place.leaving or verdict.place_gone
            self.kill(worker)
        return verdict

    def _failure(self, worker: int, error: RayError) -> WorkerLost | StopAsked:
        alive = all(lives(node) for node in set(self._places[worker].nodes))
        return failure_of(worker, error, node_lives=alive)

    def _survey(self, nodes: Sequence[Node]) -> list[Event]:
        """What nodes that went, are to go or have come mean for places."""
        present = {node.id: node for node in nodes}
        lost = [worker for worker, place in self._places.items() if any(node not in present for node in place.nodes)]
        events: list[Event] = [self._gone(worker) for worker in lost]
        for worker, place in self._places.items():
            going = [present[node].name for node in place.nodes if present[node].leaving]
            if going and not place.leaving:
                place.leaving = True
                events.append(PlaceWithdrawn(worker=worker, reason=f"node {going[0]} is being drained"))
        return [*events, *self._offers(present)]

    def _gone(self, worker: int) -> Event:
        self._places[worker].leaving = True
        self.kill(worker)
        return WorkerLost(worker=worker, reason="its node is gone", blameless=True, place_gone=True)

    def _offers(self, present: Mapping[str, Node]) -> list[Event]:
        held = _rooms_of(self._places.values())
        silent = _rooms_of(place for place in self._places.values() if not place.up)
        offers: list[Event] = []
        for nodes in self._rooms.find([node for node in present.values() if not node.leaving], held, silent):
            worker, first = next(self._numbers), present[nodes[0]]
            self._places[worker] = _Place(nodes)
            offers.append(PlaceOffered(worker=worker, node=first.name, node_bytes=first.bytes))
        return offers


def _rooms_of(places: Iterable[_Place]) -> Mapping[str, int]:
    return Counter(node for place in places for node in place.nodes)
