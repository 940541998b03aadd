"""Station: what one worker does, whichever process it lives in: measure a block, store it, write it down."""

import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from widthwise.errors import ShardLostError, WidthwiseError
from widthwise.experiments import Program, adopt_programs
from widthwise.laws import Law, adopt_laws
from widthwise.models import Activation, adopt
from widthwise.plan.units import Block, Unit
from widthwise.run.canary import canary, check_canary
from widthwise.run.messages import StopAsked, UnitDone, UnitFailed, WorkerLost, WorkerReady
from widthwise.run.threads import torch_threads
from widthwise.spaces.shard import Shard
from widthwise.spec import Spec
from widthwise.store import Journal, Layout, RunPath, write_block
from widthwise.training import Loss, OwnUpdate, adopt_losses, adopt_optimizers

Measure = Callable[..., Mapping[str, np.ndarray]]
"""``measure(spec, inputs of every sweep point, block)`` gives ``{readout: array}``: a pure function.

A member of a group passes its `Shard` as the fourth argument, for blocks of the limit.
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything that a worker needs besides its units; sent to each worker once."""

    path: RunPath
    spec: Spec
    inputs: tuple[np.ndarray, ...]
    layout: Layout
    canary: Mapping[str, object]
    allow_mixed: bool
    measure: Measure
    activations: tuple[Activation, ...] = ()
    laws: tuple[Law, ...] = ()
    losses: tuple[Loss, ...] = ()
    optimizers: tuple[OwnUpdate, ...] = ()
    programs: tuple[Program, ...] = ()
    """What a user registered with the driver."""


class Station:
    """The worker at one place: answers every call with an event, never with an exception.

    An error of widthwise ends the run (a full disk, another environment: no attempt can cure it), any other counts
    against its unit only.
    """

    def __init__(self, job: Job, worker: int) -> None:
        adopt(job.activations)
        adopt_laws(job.laws)
        adopt_losses(job.losses)
        adopt_optimizers(job.optimizers)
        adopt_programs(job.programs)
        self._job = job
        self._worker = worker
        # A name that nobody had before: two processes never append to one journal file.
        self._journal = Journal(job.path, f"worker-{uuid.uuid4().hex[:12]}")

    def open(self) -> WorkerReady | StopAsked:
        """Compare this process with the run."""
        try:
            return WorkerReady(worker=self._worker, canary=self._check())
        except WidthwiseError as error:
            return StopAsked(error=error)

    def compute(
        self, unit: Unit, attempt: int, shard: Shard | None = None
    ) -> UnitDone | UnitFailed | WorkerLost | StopAsked:
        """Compute and store every block of a unit with the threads that the spec asks for.

        The members of a group measure blocks of the limit together, of which the first stores them, and share out the
        others.
        """
        start = time.perf_counter()
        block = unit.span.block(0)
        try:
            with torch_threads(self._job.spec.numerics.threads):
                for block in _share(unit, shard):
                    self._compute_block(block, attempt, shard)
        except ShardLostError as error:
            return WorkerLost(worker=self._worker, reason=str(error))
        except WidthwiseError as error:
            return StopAsked(error=error)
        except Exception as error:
            return UnitFailed(
                worker=self._worker,
                unit=unit,
                block=block,
                error=_describe(error),
                traceback="".join(traceback.format_exception(error)),
                out_of_memory=_is_out_of_memory(error),
            )
        return UnitDone(worker=self._worker, unit=unit, seconds=time.perf_counter() - start)

    def _check(self) -> dict[str, str]:
        numerics = self._job.spec.numerics
        found = canary(device=numerics.device, threads=numerics.threads)
        if not self._job.allow_mixed:
            check_canary(self._job.canary, found)
        return found

    def _compute_block(self, block: Block, attempt: int, shard: Shard | None) -> None:
        job = self._job
        start = time.perf_counter()
        if shard is None or block.kind != "limit":
            values = job.measure(job.spec, job.inputs, block)
        else:
            values = job.measure(job.spec, job.inputs, block, shard)
            if shard.index:
                return
        chunks = write_block(job.path, job.layout, block, values)
        self._journal.record(block, chunks, time.perf_counter() - start, attempt)


def _share(unit: Unit, shard: Shard | None) -> tuple[Block, ...]:
    """The blocks of a unit that a member of a group has a part in."""
    if shard is None or unit.span.kind == "limit":
        return unit.blocks
    return unit.blocks[shard.index :: shard.count]


def _is_out_of_memory(error: Exception) -> bool:
    """Torch says so of a CPU by a RuntimeError with a text of its own."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _describe(error: Exception) -> str:
    """One line: type and message of an exception, and the line of code that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} ({Path(frame.filename).name}:{frame.lineno})"
