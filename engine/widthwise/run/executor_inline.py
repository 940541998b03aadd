"""InlineExecutor: one worker that is this process itself; for debugging, tests and notebooks. The same bits."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from widthwise.plan.units import Unit
from widthwise.run.messages import Event
from widthwise.run.station import Job, Station


class InlineExecutor:
    """Does one thing at every `poll`: open the station, or compute a unit, however long that takes."""

    workers = 1

    def __init__(self, job: Job) -> None:
        self._job = job
        self._calls: deque[Callable[[], Event]] = deque()

    def start(self, worker: int) -> None:
        """Make a station and queue its opening."""
        self._station = Station(self._job, worker)
        self._calls.append(self._station.open)

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """Queue a unit."""
        self._calls.append(partial(self._station.compute, unit, attempt))

    def kill(self, worker: int) -> None:
        """Forget the queue."""
        self._calls.clear()

    def poll(self, seconds: float) -> Sequence[Event]:
        """Do what is first in the queue."""
        return [self._calls.popleft()()] if self._calls else []
