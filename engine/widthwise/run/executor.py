"""Executor: the interface between the coordinator's decisions and the processes that carry them out."""

from collections.abc import Sequence
from typing import Protocol

from widthwise.plan.units import Unit
from widthwise.run.messages import Event


class Executor(Protocol):
    """Starts, feeds, ends and listens to workers at the places ``0 .. workers - 1``."""

    @property
    def workers(self) -> int:
        """Number of places."""
        ...

    def start(self, worker: int) -> None:
        """Begin to start a process at this place; `WorkerReady`, `WorkerLost` or `StopAsked` follows."""
        ...

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """Hand over a unit; a worker computes its units in the order in which they came."""
        ...

    def kill(self, worker: int) -> None:
        """End the process at this place now; nothing more is heard of it."""
        ...

    def poll(self, seconds: float) -> Sequence[Event]:
        """Wait up to ``seconds`` for something to happen and return what did."""
        ...
