"""Crew: the places of a run, who is at work there, how fast, and what memory is left on their nodes."""

import sys
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from widthwise.plan.units import Unit

ALONE = sys.maxsize
"""The bytes of a unit that is to have a node for itself."""

MEMORY = 0.3
"""Weight of the last unit in the slowness of a place."""


@dataclass(eq=False)
class Node:
    """A machine: what tensors may take there over all places, the places in use, and what is given away.

    ``parked``: idle places for which nothing that waits has room, until something on the node changes.
    """

    name: str
    bytes: int
    places: "set[Place]" = field(default_factory=set)
    given: int = 0
    parked: "list[Place]" = field(default_factory=list)


@dataclass(eq=False)
class Place:
    """A worker as the coordinator sees it.

    ``since``: when the start, or the unit at the head of the queue, began. ``queue`` has the bytes of every unit in
    hand, the first is being computed. ``slowness``: seconds taken by seconds predicted, the latest count most.
    """

    worker: int
    node: Node
    slowness: float = 1.0
    state: Literal["spare", "starting", "ready"] = "spare"
    since: float = 0.0
    idle_losses: int = 0
    queue: dict[Unit, int] = field(default_factory=dict)
    held: int = 0
    watched: float = float("inf")

    @property
    def head(self) -> Unit | None:
        """The unit that is being computed."""
        return next(iter(self.queue), None)

    def end(self, now: float) -> float:
        """When it will be done with all that it has in hand, if it goes on as before."""
        predicted = sum(unit.seconds for unit in self.queue)
        return max(now, self.since + self.slowness * predicted) if self.queue else now

    def learn(self, ratio: float) -> None:
        """Remember how a unit went."""
        self.slowness += MEMORY * (ratio - self.slowness)


class Crew:
    """At most ``most`` places are in use, the others are spare; idle places stand in order of their speed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._nodes: dict[str, Node] = {}
        self._places: dict[int, Place] = {}
        self._spare: dict[int, Place] = {}
        self._idle: list[tuple[float, int]] = []
        self._parked: dict[str, Node] = {}
        self._largest = 0
        self.in_use = 0
        self.ready = 0

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def get(self, worker: int) -> Place | None:
        """The place of this number, if it is in use."""
        return self._places.get(worker)

    def offer(self, worker: int, node: str, node_bytes: int) -> None:
        """Take note of a place."""
        found = self._nodes.setdefault(node, Node(node, node_bytes))
        self._spare[worker] = Place(worker, found)

    def hire(self, slowness: float) -> Place | None:
        """A spare place that comes into use, if there is one and room for it."""
        if not self._spare or self.in_use == self._most:
            return None
        place = self._spare.pop(next(iter(self._spare)))
        place.slowness = slowness
        self._places[place.worker] = place
        place.node.places.add(place)
        self.in_use += 1
        self._remeasure()
        return place

    def dismiss(self, worker: int) -> None:
        """Forget a place that is gone, in use or spare; its queue is empty by now."""
        place = self._spare.pop(worker, None) or self._places.pop(worker, None)
        if place is None:
            return
        if place.state != "spare":
            place.node.places.remove(place)
            self.in_use -= 1
        if not any(other.node is place.node for other in (*self._spare.values(), *self._places.values())):
            del self._nodes[place.node.name]
        self._remeasure()

    def _remeasure(self) -> None:
        self._largest = max((node.bytes for node in self._nodes.values() if node.places), default=0)
        self.unpark()

    def start(self, place: Place, now: float) -> None:
        """A process begins to start at a place that nobody is at."""
        place.state, place.since = "starting", now

    def come_up(self, place: Place) -> None:
        """The process of a place waits for units."""
        place.state = "ready"
        self.ready += 1
        self._stand_by(place)

    def leave(self, place: Place) -> dict[Unit, int]:
        """The process of a place is gone; what it had in hand, the unit it was computing first."""
        if place.state == "ready":
            self.ready -= 1
            if not place.queue:
                self._stand_down(place)
        place.state = "starting"
        queue, place.queue = place.queue, {}
        self._hold(place)
        return queue

    def give(self, place: Place, unit: Unit, room: int, now: float) -> None:
        """A unit goes to a ready place."""
        if not place.queue:
            place.since = now
            self._stand_down(place)
        place.queue[unit] = room
        self._hold(place)

    def take(self, place: Place, unit: Unit, now: float) -> bool:
        """A unit comes back; False for news of one that the place no longer has."""
        if place.queue.pop(unit, None) is None:
            return False
        place.since = now
        place.idle_losses = 0
        self._hold(place)
        if not place.queue:
            self._stand_by(place)
        return True

    def room(self, place: Place) -> int:
        """The bytes that a unit given to this place now may need.

        A place computes one unit at a time, so that only the largest that it has in hand counts. What fits on no node
        may have one of the largest for itself.
        """
        node = place.node
        if node.given == 0 and node.bytes == self._largest:
            return ALONE
        return max(node.bytes - node.given + place.held, place.held)

    def spell(self, place: Place, now: float) -> float:
        """The seconds that a unit may be predicted to take which keeps its node busy no longer than it is anyway."""
        latest = max(other.end(now) for other in place.node.places)
        return (latest - place.end(now)) / max(place.slowness, 1e-9)

    def idle(self) -> list[Place]:
        """The places without a unit that something may fit into, the fastest first."""
        return [self._places[worker] for _, worker in self._idle]

    def fastest_idle(self) -> Place | None:
        """The first of `idle`."""
        return self._places[self._idle[0][1]] if self._idle else None

    def park(self, place: Place) -> None:
        """Look away from an idle place, for which nothing has room, until something on its node changes."""
        self._idle.remove((place.slowness, place.worker))
        place.node.parked.append(place)
        self._parked[place.node.name] = place.node

    def unpark(self) -> None:
        """Look at every idle place again, since other units wait now."""
        for node in list(self._parked.values()):
            self._unpark(node)

    def roomiest(self, room: int) -> Node | None:
        """The node that will have ``room`` bytes first, as far as one can say: the one of most memory left."""
        fitting = [node for node in self._nodes.values() if node.places and node.bytes >= min(room, self._largest)]
        return max(fitting, key=lambda node: node.bytes - node.given, default=None)

    def _unpark(self, node: Node) -> None:
        if self._parked.pop(node.name, None) is not None:
            for place in node.parked:
                insort(self._idle, (place.slowness, place.worker))
            node.parked.clear()

    def _stand_by(self, place: Place) -> None:
        insort(self._idle, (place.slowness, place.worker))

    def _stand_down(self, place: Place) -> None:
        if place in place.node.parked:
            place.node.parked.remove(place)
            if not place.node.parked:
                del self._parked[place.node.name]
            return
        entry = (place.slowness, place.worker)
        position = bisect_left(self._idle, entry)
        assert self._idle[position] == entry
        del self._idle[position]

    def _hold(self, place: Place) -> None:
        """Count the memory of a place after its queue changed."""
        held = max(place.queue.values(), default=0)
        node = place.node
        if held < place.held and node.parked:
            self._unpark(node)
        node.given += held - place.held
        place.held = held
