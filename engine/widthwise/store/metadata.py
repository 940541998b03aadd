"""Put the store's metadata on the disk: members first, the consolidated root that readers start from last."""

import json
from collections.abc import Mapping
from pathlib import Path

from widthwise.store.files import read_file, write_changed
from widthwise.store.layout import Layout
from widthwise.store.record import STORE, RunRecord
from widthwise.store.schema import METADATA, consolidated, schema_files

DERIVED = ("curves", "verdicts")
"""Groups that ``reduce`` makes from the primary ones."""


def write_metadata(path: Path, record: RunRecord, layout: Layout, extra: Mapping[str, bytes]) -> None:
    """Write metadata, coordinates and ``extra`` files of the run ``path`` where they differ from what is there."""
    schema = schema_files(record, layout)
    for key, data in {**schema, **extra}.items():
        if key != METADATA:
            write_changed(path / STORE / key, data)
    write_root(path, schema)


def write_root(path: Path, schema: Mapping[str, bytes], *, without: str = "") -> None:
    """Write the root, which names the primary groups of ``schema`` and every whole derived group but ``without``."""
    files = dict(schema)
    for group in DERIVED:
        if group != without:
            files |= _derived_metadata(path / STORE, group)
    write_changed(path / STORE / METADATA, consolidated(files))


def is_json(data: bytes) -> bool:
    """Whether ``data`` can be parsed."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _derived_metadata(store: Path, group: str) -> dict[str, bytes]:
    """Metadata of a derived group; nothing if a part of it is missing or damaged, since it can be derived again."""
    members = [store / group / METADATA, *sorted((store / group).glob(f"*/{METADATA}"))]
    files = {file.relative_to(store).as_posix(): read_file(file) for file in members}
    whole = {key: data for key, data in files.items() if data is not None and is_json(data)}
    return whole if whole.keys() == files.keys() else {}
