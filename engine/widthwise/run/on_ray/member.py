"""Member: a station in a process of its own; alone at its place, or one shard of a group."""

import torch

from widthwise.errors import ClusterError
from widthwise.plan.units import Unit
from widthwise.run.messages import Event, StopAsked
from widthwise.run.on_ray.groups import Handle, MeetingExchange
from widthwise.run.on_ray.metrics import Metrics
from widthwise.run.pages import keep_freed_pages
from widthwise.run.station import Job, Station
from widthwise.spaces import Shard
from widthwise.version import __version__


class Member:
    """What Ray makes an actor of. ``seat`` is (index, count) in a group, whose parts go through ``meeting``."""

    def __init__(
        self,
        version: str,
        job: Job,
        worker: int,
        seat: tuple[int, int],
        meeting: Handle | None,
        shard_seconds: float,
        gpus: float,
    ) -> None:
        torch.set_num_interop_threads(1)
        keep_freed_pages()
        self._version = version
        self._station = Station(job, worker)
        self._device = job.spec.numerics.device
        self._seat = seat
        self._meeting = meeting
        self._shard_seconds = shard_seconds
        self._gpus = gpus
        self._metrics = Metrics(job)

    def open(self) -> Event:
        """Take the part of the GPU that is ours, and compare this process with the driver and with the run."""
        if self._version != __version__:
            return StopAsked(error=_other_version(self._version))
        if self._device == "cuda":
            if not torch.cuda.is_available():
                return StopAsked(error=_no_gpu())
            if self._gpus < 1:
                torch.cuda.set_per_process_memory_fraction(self._gpus)
        event = self._station.open()
        self._metrics.up()
        return event

    def compute(self, unit: Unit, attempt: int, assignment: int) -> Event:
        """Compute and store a unit, or in a group a share of it."""
        event = self._station.compute(unit, attempt, self._shard(assignment))
        if self._seat[0] == 0:
            self._metrics.note(unit, attempt, event)
        return event

    def _shard(self, assignment: int) -> Shard | None:
        if self._meeting is None:
            return None
        index, count = self._seat
        return Shard(index, count, MeetingExchange(self._meeting, assignment, index, self._shard_seconds))


def _other_version(version: str) -> ClusterError:
    message = (
        f"a worker has widthwise {__version__} and its driver {version}; "
        "install the same on every node, or let `widthwise submit` bring it"
    )
    return ClusterError(message)


def _no_gpu() -> ClusterError:
    message = (
        'numerics.device: "cuda" and torch finds no GPU in a worker that was promised one; install torch with CUDA and '
        "the driver on the nodes, or see `widthwise doctor` there"
    )
    return ClusterError(message)
