"""LockFile: the lock as a file on a disk; its modification time is the heartbeat."""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from widthwise.store.files import disk_errors, write_all
from widthwise.store.owner import Owner, decode_owner, encode_owner, is_alive


class LockFile:
    """See `widthwise.store.lock.Holding`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._me: Owner | None = None

    def take(self, me: Owner) -> Owner | None:
        """See `Holding`."""
        with disk_errors(self._file), _guarded(self._file) as handle:
            owner = _read(handle)
            if owner is not None and is_alive(owner, time.time() - os.fstat(handle).st_mtime):
                return owner
            os.ftruncate(handle, 0)
            write_all(handle, encode_owner(me))
        self._me = me
        return None

    def beat(self) -> None:
        """See `Holding`."""
        with suppress(OSError):
            os.utime(self._file)

    def release(self) -> None:
        """See `Holding`; a removed run directory took its lock along."""
        with suppress(OSError), _guarded(self._file) as handle:
            if _read(handle) in (self._me, None):
                os.unlink(self._file)


@contextmanager
def _guarded(file: Path) -> Generator[int]:
    """The lock file opened, and no other process between reading and writing it."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            # Some network file systems have no flock: there two take-overs of one dead lock may meet, which
            # costs double work but no bits.
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_current(handle, file):
                yield handle
                return
        finally:
            os.close(handle)


def _is_current(handle: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(file))
    except FileNotFoundError:
        return False


def _read(handle: int) -> Owner | None:
    return decode_owner(os.pread(handle, 4096, 0))
