"""Executor: the interface between the coordinator's decisions and the processes that carry them out."""

from collections.abc import Sequence
from typing import Protocol

from widthwise.plan.units import Unit
from widthwise.run.messages import Event


class Executor(Protocol):
    """Offers places, and starts, feeds, ends and listens to the workers there."""

    @property
    def workers(self) -> int:
        """How many places it expects to offer at first; the size of units follows from it and nothing else."""
        ...

    def start(self, worker: int) -> None:
        """Begin to start a process at a place that was offered; `WorkerReady`, `WorkerLost` or `StopAsked` follows."""
        ...

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """Hand over a unit; a worker computes its units in the order in which they came."""
        ...

    def kill(self, worker: int) -> None:
        """End the process at this place now; nothing more is heard of it."""
        ...

    def poll(self, seconds: float) -> Sequence[Event]:
        """Wait up to ``seconds`` for something to happen and return what did, `PlaceOffered` before all else."""
        ...
