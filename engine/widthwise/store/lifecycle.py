"""The life of a run directory: create, open, extend, finish, remove.

``run.json`` is the commit point. All other metadata follows from it, so whatever a crash leaves of an extension
or a creation is put right by the next ``finish``.
"""

import os
from contextlib import suppress
from pathlib import Path

from widthwise.errors import CorruptError, StorageError
from widthwise.store.completion import claims, completed, trial_counts
from widthwise.store.files import disk_errors, read_file, remove_tree, temporary_beside, write_atomic, write_changed
from widthwise.store.layout import Layout, union
from widthwise.store.lock import Lock
from widthwise.store.metadata import is_json, write_metadata
from widthwise.store.record import RECORD, STORE, Run, RunRecord, encode_record, read_record
from widthwise.store.schema import METADATA, count_files


def create_run(path: Path, record: RunRecord, layout: Layout) -> Run:
    """Lay out everything in a directory beside ``path`` and rename it to ``path``: a run is there whole or not at all.

    Raises:
        StorageError: ``path`` exists and is not an empty directory, or cannot be written.
    """
    path = path.absolute()
    _require_free(path)
    staging = temporary_beside(path)
    try:
        write_metadata(staging, record, layout, {})
        write_atomic(staging / RECORD, encode_record(record, layout))
        with disk_errors(path):
            for folder in ("journal", "figures"):
                os.mkdir(staging / folder)
            os.rename(staging, path)
    except BaseException:
        with suppress(StorageError):
            remove_tree(staging)
        raise
    return open_run(path)


def open_run(path: Path) -> Run:
    """Read and verify ``run.json``; the store's metadata must be readable where it is there (``finish`` rebuilds it).

    Raises:
        SpecError: there is no such directory.
        CorruptError: metadata is damaged, or ``run.json`` is missing.
        IdentityError: the run has another schema version.
    """
    record, layout = read_record(path)
    store = path / STORE
    _require_readable(store / METADATA)
    for group in layout.groups:
        for file in (store / group / METADATA, *sorted((store / group).glob(f"*/{METADATA}"))):
            _require_readable(file)
    return Run(path=path, record=record, layout=layout)


def extend_run(run: Run, record: RunRecord, layout: Layout) -> Run:
    """Grow to the union of both layouts and take over ``record``; no existing chunk is touched.

    Raises:
        StorageError: disk full or not writable; the run is then as it was.
    """
    merged = union(run.layout, layout)
    write_metadata(run.path, record, merged, {})
    write_changed(run.path / RECORD, encode_record(record, merged))
    return Run(path=run.path, record=record, layout=merged)


def finish(run: Run) -> None:
    """Write ``trial_count`` and all metadata, consolidated; a file that is right already is not touched.

    Raises:
        StorageError: disk full or not writable.
    """
    blocks = claims(run.path, run.layout)
    counts = trial_counts(run.layout, completed(run.path, run.layout, blocks))
    write_metadata(run.path, run.record, run.layout, count_files(counts))


def remove_run(path: Path) -> None:
    """Delete the run at ``path``, under its lock.

    Raises:
        StorageError: it is no run directory, or a live driver writes it.
    """
    path = path.absolute()
    if not (path / RECORD).exists():
        message = f"{path}: no run directory ({RECORD} is missing); remove it yourself or choose another --out"
        raise StorageError(message)
    doomed = temporary_beside(path)
    with Lock(path), disk_errors(path):
        os.rename(path, doomed)
    remove_tree(doomed)


def _require_free(path: Path) -> None:
    with disk_errors(path):
        taken = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    if taken:
        message = f"{path}: exists already; a run needs a new or empty directory: choose another --out"
        raise StorageError(message)


def _require_readable(file: Path) -> None:
    data = read_file(file)
    if data is not None and not is_json(data):
        message = f"{file} is damaged (not JSON); remove this file and run the same command again, which rebuilds it"
        raise CorruptError(message)
