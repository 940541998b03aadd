"""The life of a run directory: create, open, extend, finish, remove.

``run.json`` is the commit point. All other metadata follows from it, so whatever a crash leaves of an extension
or a creation is put right by the next ``finish``.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from widthwise.errors import CorruptError, StorageError
from widthwise.store.claims import claims
from widthwise.store.completion import completed, trial_counts
from widthwise.store.files import (
    PARTIAL,
    disk_errors,
    files_below,
    read_file,
    remove_tree,
    temporary_beside,
    write_atomic,
    write_changed,
)
from widthwise.store.journal import JOURNAL
from widthwise.store.layout import Layout, union
from widthwise.store.lock import LOCK, Lock
from widthwise.store.metadata import is_json, read_metadata, write_metadata
from widthwise.store.objects import ObjectPath
from widthwise.store.paths import RunPath
from widthwise.store.record import RECORD, STORE, Run, RunRecord, encode_record, no_such_run, read_record
from widthwise.store.schema import METADATA, count_files

Fill = Callable[[RunPath], None]
_UNDER_WAY = f".{RECORD}{PARTIAL}"
"""Says on an object store that what is there without a record is a creation cut short."""


def create_run(path: RunPath, record: RunRecord, layout: Layout, fill: Fill | None = None) -> Run:
    """Lay out everything for a run at ``path``, which is there whole or not at all.

    On a disk everything is laid out in a directory beside ``path``, which is then renamed. On an object store
    ``run.json`` is put last: without it there is no run.

    Args:
        path: the run directory.
        record: who makes it, and from what.
        layout: what it is to hold.
        fill: ``fill(place)`` writes blocks and their journal to the directory ``place`` before there is a run.

    Raises:
        StorageError: ``path`` exists and is not an empty directory, or cannot be written.
    """
    place = path.absolute()
    if isinstance(place, ObjectPath):
        _create_objects(place, record, layout, fill)
    else:
        _create_directory(place, record, layout, fill)
    return open_run(place)


def is_free(path: RunPath) -> bool:
    """Whether a run can be made at ``path``: nothing or an empty directory; or what a creation cut short left.

    Raises:
        StorageError: the object store cannot be reached.
    """
    if not isinstance(path, ObjectPath):
        with disk_errors(path):
            return not path.exists() or (path.is_dir() and next(path.iterdir(), None) is None)
    path.reach()
    if (path / RECORD).is_file():
        return False
    names = {found.name for found in path.iterdir()}
    left_over = _UNDER_WAY in names or all(name in {STORE, LOCK} or name.endswith(PARTIAL) for name in names)
    return left_over and not path.is_file()


def require_free(path: RunPath) -> None:
    """Raises StorageError where `is_free` is false."""
    if not is_free(path):
        message = f"{path}: exists already; a run needs a new or empty directory: choose another --out"
        raise StorageError(message)


def open_run(path: RunPath) -> Run:
    """Read and verify ``run.json``; the store's metadata must be readable where it is there (``finish`` rebuilds it).

    Raises:
        SpecError: there is no such directory.
        CorruptError: metadata is damaged, or ``run.json`` is missing.
        IdentityError: the run has another schema version.
    """
    if isinstance(path, ObjectPath) and is_free(path):
        raise no_such_run(path)
    record, layout = read_record(path)
    store = path / STORE
    _require_readable(store, METADATA, read_file(store / METADATA))
    for group in layout.groups:
        for key, data in read_metadata(store, group).items():
            _require_readable(store, key, data)
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


def remove_run(path: RunPath) -> None:
    """Delete the run at ``path``, under its lock.

    Raises:
        StorageError: it is no run directory, or a live driver writes it.
    """
    place = path.absolute()
    if not (place / RECORD).exists():
        message = f"{place}: no run directory ({RECORD} is missing); remove it yourself or choose another --out"
        raise StorageError(message)
    if isinstance(place, ObjectPath):
        _remove_objects(place)
        return
    doomed = temporary_beside(place)
    with Lock(place), disk_errors(place):
        os.rename(place, doomed)
    remove_tree(doomed)


def _create_directory(path: Path, record: RunRecord, layout: Layout, fill: Fill | None) -> None:
    require_free(path)
    staging = temporary_beside(path)
    try:
        write_metadata(staging, record, layout, {})
        write_atomic(staging / RECORD, encode_record(record, layout))
        with disk_errors(path):
            for folder in (JOURNAL, "figures"):
                os.mkdir(staging / folder)
        if fill is not None:
            fill(staging)
        with disk_errors(path):
            os.rename(staging, path)
    except BaseException:
        with suppress(StorageError):
            remove_tree(staging)
        raise


def _create_objects(path: ObjectPath, record: RunRecord, layout: Layout, fill: Fill | None) -> None:
    require_free(path)
    with Lock(path):
        require_free(path)  # another driver may have been first
        _remove_unfinished(path)
        write_atomic(path / _UNDER_WAY, b"")
        try:
            write_metadata(path, record, layout, {})
            if fill is not None:
                fill(path)
            write_atomic(path / RECORD, encode_record(record, layout))
        except BaseException:
            with suppress(StorageError):
                (path / RECORD).unlink()  # it may be there, if only the reply was lost
                _remove_unfinished(path)
            raise
        (path / _UNDER_WAY).unlink()


def _remove_unfinished(path: ObjectPath) -> None:
    for folder in (STORE, JOURNAL):
        remove_tree(path / folder)
    (path / _UNDER_WAY).unlink()


def _remove_objects(path: ObjectPath) -> None:
    """The journal first, the record last: a removal cut short leaves a run in which less is done, or nothing."""
    with Lock(path):
        remove_tree(path / JOURNAL)
        for key, file in files_below(path).items():
            if key not in {RECORD, LOCK}:
                file.unlink()
        (path / RECORD).unlink()


def _require_readable(store: RunPath, key: str, data: bytes | None) -> None:
    if data is not None and not is_json(data):
        message = (
            f"{store / key} is damaged (not JSON); remove this file and run the same command again, which rebuilds it"
        )
        raise CorruptError(message)
