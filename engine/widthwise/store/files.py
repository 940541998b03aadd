"""Files that appear whole or not at all, and disk errors in one line.

On a disk, nothing is synced but the bytes of a file before its rename: a rename that a power cut undoes leaves the old
file, which the journal's hashes then expose, so directories need no sync. On an object store a put is all of this.
"""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from widthwise.errors import StorageError
from widthwise.store.objects import ObjectPath
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath
from widthwise.store.patience import patiently

PARTIAL = ".partial"
"""Ending of every temporary name, also zarr's own."""

_REMEDIES = {
    errno.ENOSPC: "free space there or choose another --out, then run the same command again",
    errno.EDQUOT: "free some of your quota or choose another --out, then run the same command again",
    errno.EACCES: "make it accessible or choose another --out",
    errno.EPERM: "make it accessible or choose another --out",
    errno.EROFS: "choose another --out",
}


@contextmanager
def disk_errors(path: RunPath, needed: int = 0) -> Generator[None]:
    """Turn an OSError into a StorageError that names ``path``, the bytes needed and the remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        size = f" ({needed} bytes needed)" if needed else ""
        remedy = _REMEDIES.get(error.errno or 0, "run the same command again when the storage is reachable")
        message = f"{path}: {reason}{size}; {remedy}"
        raise StorageError(message) from error


def temporary_beside(path: Path) -> Path:
    """A fresh hidden name in the directory of ``path`` that ``sweep_leftovers`` recognises."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}{PARTIAL}")


def write_atomic(path: RunPath, data: bytes) -> None:
    """Write a temporary file, sync it, rename it to ``path``: readers see the old bytes or the new, never a part.

    Raises:
        StorageError: disk full, no permission; the old file is then intact.
    """
    if isinstance(path, ObjectPath):
        path.write_bytes(data)
        return
    with disk_errors(path, len(data)):
        patiently(partial(_replace, path, data))


def write_changed(path: RunPath, data: bytes) -> None:
    """``write_atomic`` unless the file has these bytes already, so that its modification time stays."""
    if read_file(path) != data:
        write_atomic(path, data)


def write_all_changed(folder: RunPath, files: Mapping[str, bytes]) -> None:
    """``write_changed`` of many files below ``folder``, in their order; on an object store many at once."""
    for _ in in_parallel(folder, lambda item: write_changed(folder / item[0], item[1]), files.items()):
        pass


def read_file(path: RunPath) -> bytes | None:
    """The bytes of a file, None where there is none."""
    with disk_errors(path):
        try:
            return path.read_bytes() if isinstance(path, ObjectPath) else patiently(path.read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def sha256_of(path: RunPath) -> str | None:
    """Hash of a file's bytes, None where there is none."""
    with disk_errors(path):
        try:
            return _object_hash(path) if isinstance(path, ObjectPath) else patiently(partial(_file_hash, path))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def files_below(folder: RunPath) -> dict[str, RunPath]:
    """``{key below folder: path}`` of every file at any depth, in the order of keys; none where there is no folder."""
    if isinstance(folder, ObjectPath):
        return dict(sorted((file.relative_to(folder).as_posix(), file) for file in folder.rglob("*")))
    with disk_errors(folder):
        found = (file for file in folder.rglob("*") if file.is_file())
        return dict(sorted((file.relative_to(folder).as_posix(), file) for file in found))


def remove_tree(path: RunPath) -> None:
    """Delete a directory; one that is not there is fine."""
    if isinstance(path, ObjectPath):
        path.remove()
        return
    with disk_errors(path), suppress(FileNotFoundError):
        shutil.rmtree(path)


def sweep_leftovers(path: RunPath) -> int:
    """Remove what killed processes left half-written in the run ``path`` and beside it; returns how many went.

    Only for the holder of the run's lock: another writer's temporary files would go too.
    """
    if isinstance(path, ObjectPath):
        return _sweep_objects(path)
    inside = [found for found in path.rglob(f"*{PARTIAL}") if found.name.startswith(".")]
    beside = list(path.absolute().parent.glob(f".{path.absolute().name}.*{PARTIAL}"))
    for leftover in (*inside, *beside):
        if leftover.is_dir():
            remove_tree(leftover)
        else:
            with disk_errors(leftover), suppress(FileNotFoundError):
                os.unlink(leftover)
    return len(inside) + len(beside)


def _sweep_objects(path: ObjectPath) -> int:
    leftovers = [found for found in path.iterdir() if found.name.endswith(PARTIAL)]
    for leftover in leftovers:
        leftover.unlink()
    return len(leftovers)


def _replace(path: Path, data: bytes) -> None:
    os.makedirs(path.parent, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        _write_synced(temporary, data)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _object_hash(path: ObjectPath) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """``os.write`` until nothing is left: one call may take only a part."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
