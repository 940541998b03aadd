"""Files that appear whole or not at all, and disk errors in one line.

Nothing is synced but the bytes of a file before its rename: a rename that a power cut undoes leaves the old
file, which the journal's hashes then expose, so directories need no sync.
"""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from widthwise.errors import StorageError

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
def disk_errors(path: Path, needed: int = 0) -> Generator[None]:
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


def write_atomic(path: Path, data: bytes) -> None:
    """Write a temporary file, sync it, rename it to ``path``: readers see the old bytes or the new, never a part.

    Raises:
        StorageError: disk full, no permission; the old file is then intact.
    """
    temporary = temporary_beside(path)
    with disk_errors(path, len(data)):
        os.makedirs(path.parent, exist_ok=True)
        try:
            _write_synced(temporary, data)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise


def write_changed(path: Path, data: bytes) -> None:
    """``write_atomic`` unless the file has these bytes already, so that its modification time stays."""
    if read_file(path) != data:
        write_atomic(path, data)


def read_file(path: Path) -> bytes | None:
    """The bytes of a file, None where there is none."""
    with disk_errors(path):
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def sha256_of(path: Path) -> str | None:
    """Hash of a file's bytes, None where there is none."""
    with disk_errors(path):
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def remove_tree(path: Path) -> None:
    """Delete a directory; one that is not there is fine."""
    with disk_errors(path), suppress(FileNotFoundError):
        shutil.rmtree(path)


def sweep_leftovers(path: Path) -> int:
    """Remove what killed processes left half-written in the run ``path`` and beside it; returns how many went.

    Only for the holder of the run's lock: another writer's temporary files would go too.
    """
    inside = [found for found in path.rglob(f"*{PARTIAL}") if found.name.startswith(".")]
    beside = list(path.absolute().parent.glob(f".{path.absolute().name}.*{PARTIAL}"))
    for leftover in (*inside, *beside):
        if leftover.is_dir():
            remove_tree(leftover)
        else:
            with disk_errors(leftover), suppress(FileNotFoundError):
                os.unlink(leftover)
    return len(inside) + len(beside)


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
