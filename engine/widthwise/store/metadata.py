"""Put the store's metadata on the disk: members first, the consolidated root that readers start from last."""

import json
from collections.abc import Mapping

from widthwise.store.files import PARTIAL, disk_errors, read_file, write_all_changed, write_changed
from widthwise.store.layout import Layout
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath
from widthwise.store.record import STORE, RunRecord
from widthwise.store.schema import METADATA, consolidated, schema_files

DERIVED = ("curves", "verdicts")
"""Groups that ``reduce`` makes from the primary ones."""


def write_metadata(path: RunPath, record: RunRecord, layout: Layout, extra: Mapping[str, bytes]) -> None:
    """Write metadata, coordinates and ``extra`` files of the run ``path`` where they differ from what is there."""
    schema = schema_files(record, layout)
    members = {key: data for key, data in {**schema, **extra}.items() if key != METADATA}
    write_all_changed(path / STORE, members)
    write_root(path, schema)


def write_root(path: RunPath, schema: Mapping[str, bytes], *, without: str = "") -> None:
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


def read_metadata(store: RunPath, group: str) -> dict[str, bytes]:
    """``{key: bytes}`` of the metadata of a group and of all arrays in it, as far as they are there."""
    folder = store / group
    with disk_errors(folder):
        names = sorted(found.name for found in folder.iterdir()) if folder.is_dir() else []
    keys = [f"{group}/{METADATA}", *(f"{group}/{name}/{METADATA}" for name in names if name != METADATA)]
    found = zip(keys, in_parallel(store, lambda key: read_file(store / key), keys), strict=True)
    return {key: data for key, data in found if data is not None}


def is_chunk(key: str) -> bool:
    """Whether this is the key of a chunk: neither metadata nor a temporary file."""
    return key.rpartition("/")[2] != METADATA and not key.endswith(PARTIAL)


def _derived_metadata(store: RunPath, group: str) -> dict[str, bytes]:
    """Metadata of a derived group; nothing if a part of it is missing or damaged, since it can be derived again."""
    files = read_metadata(store, group)
    whole = f"{group}/{METADATA}" in files and all(map(is_json, files.values()))
    return files if whole else {}
