"""execute: bring a run directory from what it holds to what a spec asks for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from widthwise.experiments import programs
from widthwise.laws import registered_laws
from widthwise.models import registered
from widthwise.plan import CostModel, calibrate, require_memory, usable_bytes
from widthwise.run.claim import claimed, note_canary
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.cutting import cut
from widthwise.run.executor import Executor
from widthwise.run.interrupts import Interrupts
from widthwise.run.loop import run_units
from widthwise.run.messages import Event, Quarantine, WorkerReady
from widthwise.run.progress import Progress, ProgressMeter
from widthwise.run.request import Request, request
from widthwise.run.station import Job, Measure
from widthwise.run.survey import Survey, survey
from widthwise.run.threads import torch_threads
from widthwise.run.worker import measure_block
from widthwise.run.workplace import require_address, workers_here, workplace
from widthwise.spec import Spec
from widthwise.store import Run, finish, open_run
from widthwise.training import registered_losses, registered_optimizers


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What one call of `execute` did, in blocks; ``quarantined`` is empty for a complete run."""

    path: Path
    computed_blocks: int
    skipped_blocks: int
    quarantined: tuple[Quarantine, ...]
    seconds: float


def execute(
    spec: Spec,
    out: Path,
    *,
    address: str = "local",
    workers: int | None = None,
    extend: bool = False,
    fresh: bool = False,
    allow_mixed: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    resume_command: str | None = None,
    measure: Measure = measure_block,
) -> RunOutcome:
    """Compute every block of ``spec`` that the run directory ``out`` does not hold, and touch nothing else.

    Args:
        spec: what to compute.
        out: run directory; made if it is not there, else resumed.
        address: ``local`` (a Ray of its own), ``auto`` (a running cluster) or ``inline`` (this process).
        workers: at most so many; by default as many as the machine or the cluster holds.
        extend: add what ``spec`` asks for beyond the extent of the run.
        fresh: remove the run first.
        allow_mixed: go on in another numeric environment; ``run.json`` then lists it.
        on_progress: called after every event, in this thread.
        resume_command: what the message about an interruption advises.
        measure: computes one block, as a pure function.

    Returns:
        What was done. Quarantined units are reported, not raised: everything else is stored by then.

    Raises:
        SpecError: the spec or an argument cannot be used, or a block does not fit into memory.
        IdentityError: the run is of another spec, extent, schema or numeric environment.
        ClusterError: there is no Ray, or no worker came up.
        StorageError: reading or writing failed, or another driver writes the run.
        CorruptError: the metadata of the run is damaged.
        InterruptedRunError: SIGINT or SIGTERM; everything finished is stored.
    """
    start = time.monotonic()
    require_address(address, workers)
    with Interrupts(resume_command) as interrupts:
        found = survey(request(spec), out.absolute(), extend=extend, fresh=fresh)
        if found.complete:
            finish(open_run(found.path))
            return _outcome(out, found, None, start)
        cost = _cost(found, measure)
        most = _most_workers(found, cost, address, workers)
        where = address if found.missing else "inline"  # an extension within what is computed needs no worker
        with (
            workplace(where, spec.numerics, workers=most, interrupts=interrupts) as hire,
            claimed(found, fresh=fresh) as run,
        ):
            job = _job(found.asked, run, measure, allow_mixed=allow_mixed)
            coordinator = _compute(found, cost, job, hire(job), interrupts, on_progress)
            finish(open_run(run.path))
    return _outcome(out, found, coordinator, start)


def _cost(found: Survey, measure: Measure) -> CostModel:
    """Measure what blocks cost, and refuse what cannot work before anything is written."""
    asked = found.asked
    with torch_threads(asked.spec.numerics.threads):
        cost = calibrate(asked.spec, asked.inputs, measure)
    require_memory(found.missing, cost, usable_bytes())
    return cost


def _job(asked: Request, run: Run, measure: Measure, *, allow_mixed: bool) -> Job:
    return Job(
        path=run.path,
        spec=asked.spec,
        inputs=asked.inputs,
        layout=run.layout,
        canary=run.record.canary,
        allow_mixed=allow_mixed,
        measure=measure,
        activations=registered(),
        laws=tuple(registered_laws()),
        losses=registered_losses(),
        optimizers=registered_optimizers(),
        programs=tuple(programs().values()),
    )


def _most_workers(found: Survey, cost: CostModel, address: str, workers: int | None) -> int:
    """No more than there are blocks, and on this machine than fit into its processors and its memory."""
    most = len(found.missing)
    if workers is not None:
        most = min(most, workers)
    elif address == "local":
        most = min(most, workers_here(found.asked.spec.numerics))
    if address == "local":
        largest = max((cost.bytes(block) for block in found.missing), default=0)
        most = min(most, usable_bytes() // max(largest, 1))
    return max(most, 1)


def _compute(
    found: Survey,
    cost: CostModel,
    job: Job,
    executor: Executor,
    interrupts: Interrupts,
    on_progress: Callable[[Progress], None] | None,
) -> Coordinator:
    coordinator = Coordinator(cut(found.missing, cost, executor.workers), workers=executor.workers, limits=Limits())
    meter = ProgressMeter(coordinator, stored_blocks=len(found.stored))

    def observe(event: Event) -> None:
        if isinstance(event, WorkerReady):
            note_canary(job.path, event.canary)
        progress = meter.after(event)
        if on_progress is not None:
            on_progress(progress)

    run_units(coordinator, executor, interrupts, observe)
    return coordinator


def _outcome(out: Path, found: Survey, coordinator: Coordinator | None, start: float) -> RunOutcome:
    return RunOutcome(
        path=out,
        computed_blocks=sum(len(unit.blocks) for unit in coordinator.done) if coordinator else 0,
        skipped_blocks=len(found.stored),
        quarantined=tuple(coordinator.quarantined) if coordinator else (),
        seconds=time.monotonic() - start,
    )
