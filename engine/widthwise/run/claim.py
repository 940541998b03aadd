"""claimed: a run directory made or extended, and held by its one writer."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from widthwise.plan import holdings
from widthwise.run.canary import canary
from widthwise.run.request import new_record
from widthwise.run.survey import Survey
from widthwise.store import Lock, Run, create_run, extend_run, open_run, remove_run, sweep_leftovers


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


def note_canary(path: Path, found: Mapping[str, str]) -> None:
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
    if fresh and found.path.exists():
        remove_run(found.path)
    return create_run(found.path, new_record(found.asked, fingerprint), found.asked.layout)
