"""Metrics: what a worker has done, as Ray's metrics, which every node of a cluster offers to Prometheus."""

from math import prod

from ray.util.metrics import Counter, Gauge, Histogram

from widthwise.plan.units import Unit
from widthwise.run.messages import Event, UnitDone, UnitFailed
from widthwise.run.station import Job
from widthwise.store import Layout

_SECONDS = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
_TAGS = ("run", "kind")


class Metrics:
    """Counts the units of one worker, by the name of the run and the kind of block.

    ``widthwise_units_done``, ``widthwise_unit_retries``, ``widthwise_units_failed``, ``widthwise_bytes_written``
    (numbers stored, before compression), ``widthwise_unit_seconds`` (a histogram), ``widthwise_workers`` (1 for each).
    Ray adds its own tags and the prefix ``ray_``.
    """

    def __init__(self, job: Job) -> None:
        self._run = job.path.name
        self._layout = job.layout
        self._done = Counter("widthwise_units_done", "Units computed and stored.", _TAGS)
        self._failed = Counter("widthwise_units_failed", "Units that raised.", _TAGS)
        self._retries = Counter("widthwise_unit_retries", "Units begun again after a failure.", _TAGS)
        self._bytes = Counter("widthwise_bytes_written", "Bytes of numbers stored, before compression.", _TAGS)
        self._seconds = Histogram("widthwise_unit_seconds", "Seconds per unit.", _SECONDS, _TAGS)
        self._workers = Gauge("widthwise_workers", "Workers that are up; each says 1.", ("run",))

    def up(self) -> None:
        """The worker is ready."""
        self._workers.set(1, {"run": self._run})

    def note(self, unit: Unit, attempt: int, event: Event) -> None:
        """Take in how a unit went."""
        tags = {"run": self._run, "kind": unit.span.kind}
        if attempt > 1:
            self._retries.inc(1, tags)
        match event:
            case UnitDone():
                self._done.inc(1, tags)
                self._seconds.observe(event.seconds, tags)
                self._bytes.inc(unit.span.count * _block_bytes(self._layout, unit.span.kind), tags)
            case UnitFailed():
                self._failed.inc(1, tags)


def _block_bytes(layout: Layout, kind: str) -> int:
    rows = layout.microbatch if kind == "trials" else 1
    return 8 * rows * sum(prod(readout.shape) for readout in layout.readouts)
