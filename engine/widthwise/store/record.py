"""RunRecord: who made a run and from what, kept in ``run.json`` beside the store.

``run.json`` also holds the layout and is the one source of all metadata of the store, which can be rebuilt from it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import JsonValue, TypeAdapter, ValidationError

from widthwise.errors import CorruptError, IdentityError, SpecError
from widthwise.store.files import read_file
from widthwise.store.layout import Layout
from widthwise.store.paths import RunPath

SCHEMA_VERSION = 1
RECORD = "run.json"
STORE = "results.zarr"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What decides the numbers of a run (spec and identity) and what they were made with; JSON values throughout.

    ``matrices`` says for each width how matrices are held and why, ``merged`` which runs this one was merged from.
    """

    widthwise_version: str
    spec: Mapping[str, JsonValue]
    identity: str
    identity_fields: Mapping[str, JsonValue]
    canary: Mapping[str, JsonValue]
    environment: Mapping[str, JsonValue]
    created: str
    matrices: Mapping[str, list[str]] = field(default_factory=dict)
    merged: list[Mapping[str, JsonValue]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Run:
    """An existing run directory: where it is, who made it, what it holds."""

    path: RunPath
    record: RunRecord
    layout: Layout


_RECORDS = TypeAdapter(RunRecord)
_LAYOUTS = TypeAdapter(Layout)


def encode_record(record: RunRecord, layout: Layout) -> bytes:
    """The bytes of ``run.json``."""
    fields: dict[str, Any] = {
        **_RECORDS.dump_python(record, mode="json"),
        "layout": _LAYOUTS.dump_python(layout, mode="json"),
    }
    head = {"schema_version": SCHEMA_VERSION, "checksum": _checksum(fields)}
    return (json.dumps({**head, **fields}, indent=2, allow_nan=False) + "\n").encode()


def read_record(path: RunPath) -> tuple[RunRecord, Layout]:
    """Read ``run.json`` of the run directory ``path``.

    Raises:
        SpecError: there is no such directory.
        CorruptError: ``run.json`` is missing or damaged.
        IdentityError: the run has another schema version.
    """
    if not path.is_dir():
        raise no_such_run(path)
    fields = _parsed(path / RECORD)
    _require_schema(path, fields.pop("schema_version", None))
    if fields.pop("checksum", None) != _checksum(fields):
        raise _damaged(path / RECORD, "does not match its checksum")
    try:
        layout = _LAYOUTS.validate_json(json.dumps(fields.pop("layout", None)), strict=True)
        record = _RECORDS.validate_json(json.dumps(fields), strict=True)
    except ValidationError as error:
        raise _damaged(path / RECORD, f"has a bad field {error.errors()[0]['loc']}") from error
    return record, layout


def no_such_run(path: RunPath) -> SpecError:
    """What to raise where there is none."""
    return SpecError(f"{path}: no such run; give a directory that `widthwise run` made")


def _parsed(file: RunPath) -> dict[str, Any]:
    data = read_file(file)
    if data is None:
        raise _damaged(file, "is missing")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(file, "is not JSON") from error
    if not isinstance(fields, dict):
        raise _damaged(file, "is not a table")
    return cast("dict[str, Any]", fields)


def _require_schema(path: RunPath, version: object) -> None:
    if version != SCHEMA_VERSION:
        message = (
            f"{path}: schema {version!r}, this widthwise reads schema {SCHEMA_VERSION}; "
            "use the version of widthwise that made the run, or choose another --out"
        )
        raise IdentityError(message)


def _checksum(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _damaged(file: RunPath, how: str) -> CorruptError:
    return CorruptError(f"{file} {how}; restore it from a copy, choose another --out or start over with --fresh")
