"""execute: bring a run directory from what it holds to what a spec asks for."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from widthwise.experiments import has_limit, programs
from widthwise.laws import registered_laws
from widthwise.models import registered
from widthwise.plan import Block, CostModel, Span, calibrate, joined, require_memory, usable_bytes
from widthwise.run.claim import claimed, grow, note_canary
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.cutting import cut
from widthwise.run.interrupts import Interrupts
from widthwise.run.loop import run_units
from widthwise.run.messages import Event, Quarantine, WorkerReady
from widthwise.run.progress import Progress, progress_of
from widthwise.run.recorder import Recorder
from widthwise.run.request import Request, request
from widthwise.run.station import Job, Measure
from widthwise.run.survey import Survey, survey
from widthwise.run.threads import torch_threads
from widthwise.run.worker import measure_block
from widthwise.run.workplace import HERE, require_address, require_shared, workers_here, workplace
from widthwise.spaces.shard import require_shards
from widthwise.spec import Spec, points
from widthwise.store import Lock, Run, RunPath, completed, finish, open_run
from widthwise.training import registered_losses, registered_optimizers


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What one call of `execute` did, in blocks; ``quarantined`` is empty for a complete run.

    ``log`` is the file with all that happened, None if nothing was to be done.
    """

    path: RunPath
    computed_blocks: int
    skipped_blocks: int
    quarantined: tuple[Quarantine, ...]
    seconds: float
    log: RunPath | None = None


NextRound = Callable[[Run], Sequence[Block]]
"""From the run as it is to the blocks to compute next, which may lie beyond its extent; none ends the run."""


def execute(
    spec: Spec,
    out: RunPath,
    *,
    address: str = "local",
    workers: int | None = None,
    extend: bool = False,
    fresh: bool = False,
    allow_mixed: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    resume_command: str | None = None,
    shards: int = 1,
    gpus_per_worker: float = 1.0,
    next_round: NextRound | None = None,
    measure: Measure = measure_block,
) -> RunOutcome:
    """Compute every block of ``spec`` that the run directory ``out`` does not hold, and touch nothing else.

    Args:
        spec: what to compute.
        out: run directory; made if it is not there, else resumed.
        address: ``local`` (a Ray of its own), ``inline`` (this process), or a running cluster: ``auto`` (RAY_ADDRESS,
            or the one on this machine), ``HOST:PORT`` of its head, ``ray://HOST:PORT`` from outside.
        workers: at most so many; by default as many as the machine or the cluster holds.
        shards: so many processes (threads, inline) share one replicate of the limit; no number depends on it.
        gpus_per_worker: with device ``cuda``, the part of a GPU and of its memory that a worker of Ray has.
        extend: add what ``spec`` asks for beyond the extent of the run.
        fresh: remove the run first.
        allow_mixed: go on in another numeric environment; ``run.json`` then lists it.
        on_progress: called after every event, in this thread.
        resume_command: what the message about an interruption advises.
        next_round: asked for more blocks, with the run as it is then, whenever all are computed; the run grows by them.
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
    require_address(address, workers, shards, gpus_per_worker)
    require_shared(out, address)
    with Interrupts(resume_command) as interrupts:
        if shards > 1 and has_limit(spec.experiment):
            for point in points(spec):
                require_shards(point.spec.limit.samples, shards)
        found = survey(request(spec), out.absolute(), extend=extend, fresh=fresh)
        if found.complete and not _more(next_round, found.path):
            finish(open_run(found.path))
            return _outcome(out, found, None, start)
        cost = _cost(found, measure, address)
        most = _most_workers(found, address, workers, shards, gpus_per_worker, bounded=next_round is None)
        # An extension within what is computed needs no worker.
        where = address if found.missing or next_round else "inline"
        with (
            workplace(
                where,
                spec.numerics,
                workers=most,
                shards=shards,
                gpus_per_worker=gpus_per_worker,
                interrupts=interrupts,
            ) as hire,
            claimed(found, fresh=fresh) as run,
            Recorder(run.path) as recorder,
        ):
            job = _job(found.asked, run, measure, allow_mixed=allow_mixed)
            executor = hire(job)
            recorder.asked(found.asked.spans())
            coordinator = Coordinator(cut(found.missing, cost, executor.workers), workers=most, limits=Limits())
            observe = _observer(run, coordinator, found.stored_blocks, on_progress)
            run_units(coordinator, executor, interrupts, observe, recorder.record)
            while next_round and (missing := _missing(next_round(open_run(run.path)), coordinator, run.path)):
                coordinator.ledger.add(cut(missing, cost, executor.workers))
                run_units(coordinator, executor, interrupts, observe, recorder.record)
            finish(open_run(run.path))
    return _outcome(out, found, coordinator, start, recorder.file)


def _more(next_round: NextRound | None, path: RunPath) -> bool:
    """Whether there is another round; one is planned under the lock, since it is written down."""
    if next_round is None:
        return False
    with Lock(path):
        return bool(next_round(open_run(path)))


def _missing(blocks: Sequence[Block], coordinator: Coordinator, path: RunPath) -> list[Span]:
    """What a round is to compute: not what is stored or was given up. The run grows so that it holds all of it."""
    given_up = {block for quarantine in coordinator.ledger.quarantined for block in quarantine.unit.blocks}
    stored = completed(path, grow(open_run(path), blocks).layout, blocks)
    return joined(block for block in blocks if block not in stored and block not in given_up)


def _cost(found: Survey, measure: Measure, address: str) -> CostModel:
    """Measure what blocks cost, and refuse what cannot work on this machine before anything is written."""
    asked = found.asked
    with torch_threads(asked.spec.numerics.threads):
        cost = calibrate(asked.spec, asked.inputs, measure)
    if address in HERE:
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


def _most_workers(
    found: Survey, address: str, workers: int | None, shards: int, gpus_per_worker: float, *, bounded: bool
) -> int:
    """No more than there are blocks, if their number is ``bounded``, nor than this machine has processors for."""
    most = [found.missing_blocks] if bounded else []
    if workers is not None:
        most.append(workers)
    elif address == "local":
        most.append(workers_here(found.asked.spec.numerics, gpus_per_worker) // shards)
    return max(min(most, default=sys.maxsize), 1)


def _observer(
    run: Run, coordinator: Coordinator, stored_blocks: int, on_progress: Callable[[Progress], None] | None
) -> Callable[[Event], None]:
    def observe(event: Event) -> None:
        if isinstance(event, WorkerReady) and event.canary != run.record.canary:
            note_canary(run.path, event.canary)
        if on_progress is not None:
            on_progress(progress_of(coordinator, stored_blocks=stored_blocks))

    return observe


def _outcome(
    out: RunPath, found: Survey, coordinator: Coordinator | None, start: float, log: RunPath | None = None
) -> RunOutcome:
    return RunOutcome(
        path=out,
        computed_blocks=coordinator.ledger.done_blocks if coordinator else 0,
        skipped_blocks=found.stored_blocks,
        quarantined=tuple(coordinator.ledger.quarantined) if coordinator else (),
        seconds=time.monotonic() - start,
        log=log,
    )
