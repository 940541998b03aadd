"""InlineExecutor: one worker that is this process itself; for debugging, tests and notebooks. The same bits."""

import socket
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from widthwise.plan import usable_bytes
from widthwise.plan.units import Unit
from widthwise.run.messages import Event, PlaceOffered, StopAsked, UnitDone, UnitFailed, WorkerLost
from widthwise.run.station import Job, Station
from widthwise.run.threads import torch_threads
from widthwise.spaces.exchange import LocalExchange
from widthwise.spaces.shard import Shard

_URGENT = (StopAsked, UnitFailed, WorkerLost, UnitDone)
"""Which answer of several threads tells most: one that is lost only missed another that failed."""


class InlineExecutor:
    """Does one thing at every `poll`: open the station, or compute a unit, however long that takes.

    With ``shards`` above 1 a unit is computed by as many threads, each with a station of its own.
    """

    workers = 1

    def __init__(self, job: Job, *, shards: int = 1) -> None:
        offer = PlaceOffered(worker=0, node=socket.gethostname(), node_bytes=usable_bytes())
        self._job = job
        self._shards = shards
        self._calls: deque[Callable[[], Event]] = deque([lambda: offer])

    def start(self, worker: int) -> None:
        """Make a station and queue its opening."""
        self._stations = [Station(self._job, worker) for _ in range(self._shards)]
        self._calls.append(self._stations[0].open)

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """Queue a unit."""
        self._calls.append(partial(self._compute, unit, attempt))

    def kill(self, worker: int) -> None:
        """Forget the queue."""
        self._calls.clear()

    def poll(self, seconds: float) -> Sequence[Event]:
        """Do what is first in the queue."""
        return [self._calls.popleft()()] if self._calls else []

    def _compute(self, unit: Unit, attempt: int) -> Event:
        if self._shards == 1:
            return self._stations[0].compute(unit, attempt)
        exchange = LocalExchange(self._shards)

        def take_part(station: Station, shard: Shard) -> Event:
            event = station.compute(unit, attempt, shard)
            if not isinstance(event, UnitDone):
                exchange.break_off()
            return event

        # Set here, so that no thread finds another number to go back to while the others compute.
        with torch_threads(self._job.spec.numerics.threads), ThreadPoolExecutor(self._shards) as threads:
            events = list(threads.map(take_part, self._stations, exchange.shards))
        return min(events, key=lambda event: _URGENT.index(type(event)))
