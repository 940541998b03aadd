"""Rounds: what the round of an adaptive run that is under way computes, in ``rounds.json`` beside the store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from widthwise.errors import CorruptError
from widthwise.store.files import read_file, write_atomic
from widthwise.store.paths import RunPath

ROUNDS = "rounds.json"


@dataclass(frozen=True, kw_only=True)
class Round:
    """The latest round: its ``number`` from 1, and what it was planned for.

    ``targets`` are the trials of each flat sweep point and width, and at width 0 the replicates of the point's limit,
    that the run is to hold at its end. ``tolerance`` is None where only seconds were given.
    """

    number: int
    tolerance: float | None
    targets: Mapping[tuple[int, int], int]


@dataclass(frozen=True, kw_only=True)
class _Written:
    """``rounds.json``: a target is [point, width, count]."""

    round: int
    tolerance: float | None
    targets: list[tuple[int, int, int]]


_FILES = TypeAdapter(_Written)


def write_round(path: RunPath, latest: Round) -> None:
    """Keep the latest round of the run ``path``, in place of the one before.

    Raises:
        StorageError: disk full or not writable.
    """
    targets = [(point, width, count) for (point, width), count in sorted(latest.targets.items())]
    written = _Written(round=latest.number, tolerance=latest.tolerance, targets=targets)
    write_atomic(path / ROUNDS, json.dumps(_FILES.dump_python(written, mode="json")).encode() + b"\n")


def read_round(path: RunPath) -> Round | None:
    """The latest round of the run ``path``; None of a run that never was adaptive.

    Raises:
        CorruptError: the file is damaged.
    """
    data = read_file(path / ROUNDS)
    if data is None:
        return None
    try:
        written = _FILES.validate_json(data)
    except ValidationError as error:
        message = f"{path / ROUNDS} is damaged; remove this file and run the same command again, which plans anew"
        raise CorruptError(message) from error
    targets = {(point, width): count for point, width, count in written.targets}
    return Round(number=written.round, tolerance=written.tolerance, targets=targets)
