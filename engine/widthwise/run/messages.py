"""What the coordinator is told (events) and what it answers (instructions): frozen values, no behaviour.

A worker is named by a small integer, its place; after a loss a new process takes the same place.
Seconds are read from a monotonic clock by whoever makes the event: the coordinator has no clock of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from widthwise.errors import WidthwiseError
from widthwise.plan.units import Unit


@dataclass(frozen=True, kw_only=True)
class WorkerReady:
    """A worker has started and waits for units; ``canary`` is the fingerprint of its arithmetic."""

    worker: int
    canary: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class UnitDone:
    """Every block of a unit is stored and in the journal."""

    worker: int
    unit: Unit
    seconds: float


@dataclass(frozen=True, kw_only=True)
class UnitFailed:
    """A unit raised; the worker lives on. ``error`` is one line."""

    worker: int
    unit: Unit
    error: str


@dataclass(frozen=True, kw_only=True)
class WorkerLost:
    """A worker process died (killed, out of memory, node gone) or never came up."""

    worker: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class StopAsked:
    """The run has to end now: a signal, or what repeating a unit cannot cure (disk full, another environment)."""

    error: WidthwiseError


@dataclass(frozen=True, kw_only=True)
class Tick:
    """Time has passed and nothing else happened."""


Event = WorkerReady | UnitDone | UnitFailed | WorkerLost | StopAsked | Tick


@dataclass(frozen=True, kw_only=True)
class Assign:
    """Hand a unit to a worker; ``attempt`` counts from 1."""

    worker: int
    unit: Unit
    attempt: int


@dataclass(frozen=True, kw_only=True)
class KillWorker:
    """End a worker's process, whatever it is doing."""

    worker: int


@dataclass(frozen=True, kw_only=True)
class RestartWorker:
    """Start a new process at the place of a worker that is gone."""

    worker: int


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """A unit is given up after its last attempt; ``error`` is what the last one said."""

    unit: Unit
    attempts: int
    error: str


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Nothing is left to decide; ``error`` is None when every unit is done or quarantined."""

    error: WidthwiseError | None


Instruction = Assign | KillWorker | RestartWorker | Quarantine | Finish
