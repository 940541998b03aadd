"""What the coordinator is told (events) and what it answers (instructions): frozen values, no behaviour.

A worker is named by an integer, its place; after a loss a new process takes the same place, and the number of a place
that has gone is never used again.
Seconds are read from a monotonic clock by whoever makes the event: the coordinator has no clock of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from widthwise.errors import WidthwiseError
from widthwise.plan.units import Block, Unit


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceOffered:
    """There is room for one worker more: at the start, and whenever a node joins.

    ``node`` names the machine, whose tensors may take ``node_bytes`` over all of its places.
    """

    worker: int
    node: str
    node_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceWithdrawn:
    """A place goes away in order, because its node is being drained: what it has in hand goes elsewhere."""

    worker: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerReady:
    """A worker has started and waits for units; ``canary`` is the fingerprint of its arithmetic."""

    worker: int
    canary: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitDone:
    """Every block of a unit is stored and in the journal, ``seconds`` after the worker began with it."""

    worker: int
    unit: Unit
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitFailed:
    """A unit raised; the worker lives on.

    ``error`` is one line, ``traceback`` the whole of it; ``block`` is the one that was being computed.
    """

    worker: int
    unit: Unit
    block: Block
    error: str
    traceback: str
    out_of_memory: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLost:
    """A worker process died (killed, out of memory, node gone) or never came up.

    ``blameless``: its node went, or was taken away, so that no unit is at fault. ``place_gone``: no process can take
    the place again; a node that comes back offers new places.
    """

    worker: int
    reason: str
    blameless: bool = False
    place_gone: bool = False
    out_of_memory: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StopAsked:
    """The run has to end now: a signal, or what repeating a unit cannot cure (disk full, another environment)."""

    error: WidthwiseError


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """Time has passed and nothing else happened."""


Event = PlaceOffered | PlaceWithdrawn | WorkerReady | UnitDone | UnitFailed | WorkerLost | StopAsked | Tick


@dataclass(frozen=True, kw_only=True, slots=True)
class Assign:
    """Hand a unit to a worker; ``attempt`` counts from 1."""

    worker: int
    unit: Unit
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KillWorker:
    """End a worker's process, whatever it is doing."""

    worker: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RestartWorker:
    """Start a process at a place where there is none, or no more."""

    worker: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantine:
    """A unit is given up after its last attempt.

    ``block`` is the one that raised, None where the worker died; ``error`` is one line, ``traceback`` the whole of it.
    """

    unit: Unit
    block: Block | None
    attempts: int
    error: str
    traceback: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """Nothing is left to decide; ``error`` is None when every unit is done or quarantined."""

    error: WidthwiseError | None


Instruction = Assign | KillWorker | RestartWorker | Quarantine | Finish
