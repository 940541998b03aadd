"""claimed: a run directory made or extended, and held by its one writer."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace

from pydantic import JsonValue

from widthwise.plan import Block, holdings
from widthwise.run.canary import canary
from widthwise.run.request import new_record
from widthwise.run.survey import Survey
from widthwise.store import Lock, Run, RunPath, create_run, extend_run, is_free, open_run, remove_run, sweep_leftovers


@contextmanager
def claimed(found: Survey, *, fresh: bool) -> Generator[Run]:
    """Make the run of a survey, or extend it, and hold its lock.

    Raises:
        StorageError: another driver holds the run, or the directory cannot be written.
    """
    run = found.run or _made(found, fresh=fresh)
    with Lock(run.path):
        sweep_leftovers(run.path)
        if found.grows:
            asked = found.asked
            record = replace(
                run.record,
                spec=asked.spec.model_dump(mode="json"),
                matrices=holdings(asked.spec, asked.inputs),
            )
            run = extend_run(run, record, asked.layout)
        yield run


def grow(run: Run, blocks: Iterable[Block]) -> Run:
    """Extend a run whose lock is held to an extent that holds ``blocks`` too; its widths and points stay."""
    trials = dict(zip(run.layout.widths, run.layout.trials, strict=True))
    replicates = run.layout.replicates
    for block in blocks:
        if block.kind == "trials":
            trials[block.width] = max(trials[block.width], (block.index + 1) * run.layout.microbatch)
        elif block.kind == "limit":
            replicates = max(replicates, block.index + 1)
    layout = replace(run.layout, trials=tuple(trials.values()), replicates=replicates)
    if layout == run.layout:
        return run
    table: dict[str, JsonValue] = {str(width): trials[width] for width in sorted(trials)}
    spec: dict[str, JsonValue] = {
        **run.record.spec,
        "sweep": {**_table(run, "sweep"), "trials": table},
        "limit": {**_table(run, "limit"), **({"replicates": replicates} if replicates else {})},
    }
    return extend_run(run, replace(run.record, spec=spec), layout)


def _table(run: Run, name: str) -> Mapping[str, JsonValue]:
    table = run.record.spec[name]
    assert isinstance(table, dict)
    return table


def note_canary(path: RunPath, found: Mapping[str, str]) -> None:
    """Record that a worker of another numeric environment (``--allow-mixed``) takes part in a run."""
    run = open_run(path)
    mixed = run.record.environment.get("mixed", [])
    if found == run.record.canary or not isinstance(mixed, list) or found in mixed:
        return
    environment: dict[str, JsonValue] = {**run.record.environment, "mixed": [*mixed, dict(found)]}
    extend_run(run, replace(run.record, environment=environment), run.layout)


def _made(found: Survey, *, fresh: bool) -> Run:
    numerics = found.asked.spec.numerics
    fingerprint = canary(device=numerics.device, threads=numerics.threads)
    if fresh and not is_free(found.path):
        remove_run(found.path)
    return create_run(found.path, new_record(found.asked, fingerprint), found.asked.layout)
