"""Rounds: an adaptive run computes where intervals are widest, until all are short enough or the time is spent."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

from widthwise.errors import SpecError
from widthwise.experiments import has_limit
from widthwise.plan import Block, replicates_of, trials_of
from widthwise.reduce.allocation import for_budget, for_tolerance
from widthwise.reduce.cells import LIMIT, Cell, Counts, first_counts
from widthwise.report.standing import Standing, standing
from widthwise.run import Progress, RunOutcome
from widthwise.spec import Spec, points
from widthwise.store import (
    Round,
    Run,
    RunPath,
    completed,
    finish,
    open_run,
    read_journal,
    read_round,
    write_round,
)
from widthwise.store.layout import holds

SHARE = 0.9
"""Of the time that is left, what a round may be expected to take."""


class BudgetSpentError(Exception):
    """The time is over in the middle of a round; everything finished is stored."""


class Rounds:
    """Plans the rounds of one call of `execute`.

    A round is decided from what is complete at the end of the one before and written to ``rounds.json`` before its
    first block: an interrupted run completes it first, so that it ends with the same bits. Only a budget looks at
    seconds, which no two runs share. Blocks that were given up are left out, and their cells get nothing more.

    Attributes:
        spec: the spec, with the tolerance for its verdict.
        first: the spec of the first round.
        number: of the round under way, from 1.
        half_width: largest of all intervals at the end of the round before; NaN in the first.
        tolerance: largest half width that is wanted, if that is what ends the run.
    """

    def __init__(self, spec: Spec, *, tolerance: float | None = None, budget: float | None = None) -> None:
        """Until every half width is at most the ``tolerance``, or ``budget`` seconds from now are over.

        Raises:
            SpecError: the tolerance is not between 0 and 1, or the budget is not positive.
        """
        if tolerance is not None and not 0 < tolerance < 1:
            message = f"tolerance: {tolerance} is not between 0 and 1; it is relative to the norm of the limit"
            raise SpecError(message)
        if budget is not None and not 0 < budget < math.inf:
            message = f"budget: {budget} is not a positive number of seconds"
            raise SpecError(message)
        judged = {} if tolerance is None else {"tolerance": tolerance}
        self.spec = spec.model_copy(update={"verdict": spec.verdict.model_copy(update=judged)})
        self.first = first_round(self.spec)
        self.number = 1
        self.half_width = math.nan
        self.tolerance = tolerance
        self._end = None if budget is None else time.monotonic() + budget
        self._progress: Progress | None = None
        self._asked = set(_blocks(_first_targets(self.first), self.first.numerics.microbatch))
        self._stage_when_asked: tuple[int, int] | None = None
        self._given_up: set[Block] = set()

    def watch(self, progress: Progress) -> None:
        """Take note of how far the run is.

        Raises:
            BudgetSpentError: no time is left.
        """
        self._progress = progress
        if self._end is not None and time.monotonic() > self._end:
            raise BudgetSpentError

    def next(self, run: Run) -> Sequence[Block]:
        """What the round under way lacks, else the blocks of the next one; none if nothing is left to do.

        Raises:
            WidthwiseError: the results cannot be read, or the round cannot be written.
        """
        targets = self._under_way(run)
        missing = self._missing(run, targets)
        if not missing:
            now = standing(run, self.first)
            self.half_width = now.half_width
            planned = {
                cell: count
                for cell, count in self._planned(now, run.layout.microbatch).items()
                if count > now.counts[cell] >= targets.get(cell, 0)
            }
            if not planned:
                return []
            self.number += 1
            targets |= planned
            write_round(run.path, Round(number=self.number, tolerance=self.tolerance, targets=targets))
            missing = self._missing(run, targets)
        self._asked, self._stage_when_asked = set(missing), self._stage()
        return missing

    def _under_way(self, run: Run) -> dict[Cell, int]:
        """Targets of the latest round, if it was planned for the same tolerance; else of the first."""
        latest = read_round(run.path)
        self.number = 1 if latest is None else latest.number
        own = latest is not None and latest.tolerance == self.tolerance
        return _first_targets(self.first) | (dict(latest.targets) if latest is not None and own else {})

    def _missing(self, run: Run, targets: Counts) -> list[Block]:
        """Blocks of the targets, and others that the journal names, that are not stored as they should be."""
        if self._stage() != self._stage_when_asked:
            self._given_up |= self._asked
        named = (block for block in read_journal(run.path) if holds(run.layout, block))
        wanted = {*_blocks(targets, run.layout.microbatch), *named} - self._given_up
        return sorted(wanted - set(completed(run.path, run.layout, wanted)))

    def _stage(self) -> tuple[int, int] | None:
        """Changes whenever something was done or failed."""
        return None if self._progress is None else (self._progress.done_units, self._progress.failures)

    def _planned(self, now: Standing, grain: int) -> Counts:
        most = None
        if self.tolerance is not None:
            most = for_tolerance(now.precisions, now.counts, now.efforts, self.tolerance, grain)
        if self._end is None:
            return most or {}
        workers = self._progress.workers if self._progress else 1
        left = SHARE * max(workers, 1) * (self._end - time.monotonic())
        return for_budget(now.precisions, now.counts, now.seconds, left, grain, most)


def in_rounds(
    call: Callable[..., RunOutcome], path: RunPath, rounds: Rounds, on_progress: Callable[[Progress], None] | None
) -> RunOutcome:
    """What ``call``, which is `execute` but for its spec and what it tells and asks, does round after round.

    Where the time ends in the middle of a round, whatever was in hand then is left to the next call.
    """
    start, told = time.monotonic(), list[Progress]()

    def watch(progress: Progress) -> None:
        told[1:] = [progress]
        if on_progress is not None:
            on_progress(progress)
        rounds.watch(progress)

    try:
        return call(rounds.first, on_progress=watch, next_round=rounds.next)
    except BudgetSpentError:
        finish(open_run(path))
        there, done = told[0].done_blocks, told[-1].done_blocks
        return RunOutcome(
            path=path,
            computed_blocks=done - there,
            skipped_blocks=there,
            quarantined=told[-1].quarantined,
            seconds=time.monotonic() - start,
        )


def first_round(spec: Spec) -> Spec:
    """The spec with as many trials and replicates as a variance takes, but not more than it asks for."""
    trials, replicates = first_counts(len(spec.sweep.width))
    whole = -(-trials // spec.numerics.microbatch) * spec.numerics.microbatch
    table = {width: min(trials_of(spec, width), whole) for width in sorted(spec.sweep.width)}
    changed: dict[str, object] = {"sweep": spec.sweep.model_copy(update={"trials": table})}
    if has_limit(spec.experiment):
        fewer = min(spec.limit.replicates, replicates)
        changed["limit"] = spec.limit.model_copy(update={"replicates": fewer})
    return spec.model_copy(update=changed)


def _first_targets(spec: Spec) -> dict[Cell, int]:
    trials = {
        (point, width): trials_of(spec, width) for point in range(len(points(spec))) for width in spec.sweep.width
    }
    replicates = replicates_of(spec)
    return trials | ({(point, LIMIT): replicates for point in range(len(points(spec)))} if replicates else {})


def _blocks(targets: Counts, microbatch: int) -> Iterator[Block]:
    for (point, width), count in targets.items():
        for index in range(count if width == LIMIT else -(-count // microbatch)):
            yield Block("limit" if width == LIMIT else "trials", point, width, index)
