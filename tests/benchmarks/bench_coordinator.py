"""How many units a second the coordinator hands out and takes back, and what memory that takes.

``python tests/benchmarks/bench_coordinator.py``: units that do nothing, on 64 places of 8 nodes, in spans of 1,000.
"""

import time
import tracemalloc
from collections import deque
from collections.abc import Sequence

from widthwise.plan import Series, Span, Unit
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.interrupts import Interrupts
from widthwise.run.loop import run_units
from widthwise.run.messages import Event, PlaceOffered, UnitDone, WorkerReady
from widthwise.run.progress import progress_of

PLACES, NODES, SPAN = 64, 8, 1000


class Nothing:
    """An executor whose workers are done with every unit at once."""

    workers = PLACES

    def __init__(self) -> None:
        offers = (
            PlaceOffered(worker=worker, node=f"node{worker % NODES}", node_bytes=1 << 40) for worker in range(PLACES)
        )
        self._events: deque[Event] = deque(offers)

    def start(self, worker: int) -> None:
        """The worker is ready."""
        self._events.append(WorkerReady(worker=worker, canary={}))

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """The unit is done."""
        self._events.append(UnitDone(worker=worker, unit=unit, seconds=0.0))

    def kill(self, worker: int) -> None:
        """Nothing hangs here."""

    def poll(self, seconds: float) -> Sequence[Event]:
        """What is first, as an executor of Ray does."""
        return [self._events.popleft()]


def units(count: int) -> list[Series]:
    """``count`` units of one block each, at ten widths, with costs and memory of their own."""
    spans = (Span("trials", index // 10, 64 << index % 10, 0, SPAN) for index in range(count // SPAN))
    return [Series(span, 1, 1e-3 * span.width, 1000 * span.width) for span in spans]


def computed(series: Sequence[Series]) -> Coordinator:
    """The coordinator of a run, once all units are done."""
    coordinator = Coordinator(series, workers=PLACES, limits=Limits())
    run_units(coordinator, Nothing(), Interrupts(None), lambda event: progress_of(coordinator, stored_blocks=0))
    return coordinator


def peak_bytes(count: int) -> int:
    """What the coordinator takes at most, the list of spans included."""
    tracemalloc.start()
    computed(units(count))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def main() -> None:
    """Print a line for each size."""
    for count in (10**4, 10**5, 10**6):
        start = time.perf_counter()
        assert computed(units(count)).ledger.done_units == count
        seconds = time.perf_counter() - start
        peak = f"; {peak_bytes(count) / 1024:,.0f} KiB" if count < 10**6 else ""
        print(f"{count:>9,} units: {count / seconds:>8,.0f} a second{peak}")


if __name__ == "__main__":
    main()
