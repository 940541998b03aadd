"""What it costs to hand out units: how busy workers are kept, and how many units a second go through real actors.

    python tests/benchmarks/bench_overhead.py         units of half a second on 2 workers, then 20,000 of nothing
    python tests/benchmarks/bench_overhead.py 100000  so many units of nothing, and the driver's memory

Each starts a Ray of its own.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from widthwise.plan import Block, Series, Span, Unit
from widthwise.run import request
from widthwise.run.canary import canary
from widthwise.run.claim import claimed
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.interrupts import Interrupts
from widthwise.run.loop import run_units
from widthwise.run.messages import Event, UnitDone, WorkerReady
from widthwise.run.on_ray import RayExecutor, connected, executor
from widthwise.run.station import Job
from widthwise.run.survey import survey
from widthwise.spec import Spec, load_spec

WORKERS = 2


def half_a_second(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """Sleep, and a little work."""
    time.sleep(0.5)
    count = spec.numerics.microbatch if block.kind == "trials" else 1
    return {"nngp": np.random.default_rng(block.index).standard_normal((count, 2, 2))}


def spec_of(blocks: int) -> Spec:
    return load_spec(
        {
            "experiment": "nngp",
            "data": {"source": "gaussian", "count": 2, "features": 3},
            "sweep": {"width": [4], "trials": 4 * blocks},
            "limit": {"samples": 64, "replicates": 2},
            "numerics": {"microbatch": 4},
        }
    )


class Idler:
    """An actor that computes nothing and stores nothing."""

    def __init__(self, version: str, job: Job, worker: int, *rest: object) -> None:
        self._worker = worker

    def open(self) -> Event:
        return WorkerReady(worker=self._worker, canary={})

    def compute(self, unit: Unit, attempt: int, assignment: int) -> Event:
        return UnitDone(worker=self._worker, unit=unit, seconds=0.0)


class Watched:
    """An observer that counts units, seconds of work, and the driver's memory as it goes on."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.units = 0
        self.first = self.last = 0.0
        self.megabytes: list[float] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, UnitDone):
            now = time.monotonic()
            self.first = self.first or now - event.seconds
            self.last = now
            self.seconds += event.seconds
            self.units += 1
            if self.units % 5000 == 0:
                self.megabytes.append(_resident_megabytes())


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measure(folder: Path, series: Sequence[Series], blocks: int) -> Watched:
    """Run units through a Ray of our own."""
    watched = Watched()
    found = survey(request(spec_of(blocks)), folder / "a.run", extend=False, fresh=False)
    with connected("local", cpus=WORKERS), claimed(found, fresh=False) as run:
        job = Job(
            path=run.path,
            spec=found.asked.spec,
            inputs=found.asked.inputs,
            layout=run.layout,
            canary=canary(device="cpu", threads=1),
            allow_mixed=False,
            measure=half_a_second,
        )
        crew = RayExecutor(job, workers=WORKERS)
        run_units(Coordinator(series, workers=WORKERS, limits=Limits()), crew, Interrupts(None), watched)
        crew.close()
    return watched


def busy(folder: Path, units: int = 60) -> None:
    """Share of the time in which the workers computed, from the first start to the last end."""
    watched = measure(folder, [Series(Span("trials", 0, 4, 0, units), 1, 0.5, 1)], units)
    wall = watched.last - watched.first
    print(f"{watched.units} units, {watched.seconds:.1f} s of work in {wall:.1f} s on {WORKERS} workers: ", end="")
    print(f"{watched.seconds / (WORKERS * wall):.1%} busy")


def empty(folder: Path, units: int) -> None:
    """Units pass through everything but measurement and store."""
    vars(executor)["Member"] = Idler
    watched = measure(folder, [Series(Span("trials", 0, 4, 0, units), 1, 0.001, 1)], 4)
    wall = watched.last - watched.first
    print(f"{watched.units} empty units in {wall:.1f} s: {watched.units / wall:.0f} a second")
    print("driver's memory in MB, every 5,000 units: " + ", ".join(f"{size:.0f}" for size in watched.megabytes))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:]:
            empty(Path(folder), int(sys.argv[1]))
        else:
            busy(Path(folder, "busy"))
            empty(Path(folder, "empty"), 20_000)
