"""The lock: one driver at a time writes a run."""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from widthwise.errors import StorageError
from widthwise.store.files import disk_errors, write_all

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
_UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, and since when it holds the lock; a pid is used again, so it counts only with its ``started``."""

    host: str
    pid: int
    started: str
    since: str


_OWNERS = TypeAdapter(Owner)


class Lock:
    """Context manager over ``run.lock`` in the run directory ``path``; the modification time is the heartbeat.

    A lock of a dead process of this host, or of another host without a heartbeat for a minute, is taken over.
    """

    def __init__(self, path: Path) -> None:
        """Prepare the lock of the run directory ``path``; nothing is locked before entry."""
        self._path = path
        self._file = path / "run.lock"
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="run.lock heartbeat", daemon=True)
        self._me = _this_process()

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StorageError: a live driver holds it, or the directory cannot be written.
        """
        with disk_errors(self._file), _guarded(self._file) as handle:
            owner = _read(handle)
            if owner is not None and _is_alive(owner, time.time() - os.fstat(handle).st_mtime):
                message = (
                    f"run {self._path} is being written by pid {owner.pid} on host {owner.host} since {owner.since}; "
                    "wait for it, stop it, or choose another --out"
                )
                raise StorageError(message)
            os.ftruncate(handle, 0)
            write_all(handle, _OWNERS.dump_json(self._me))
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        self._released.set()
        self._heart.join()
        # Whoever took over a lock that was thought dead keeps it; a removed run directory took its lock along.
        with suppress(OSError), _guarded(self._file) as handle:
            if _read(handle) in (self._me, None):
                os.unlink(self._file)

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):
                os.utime(self._file)


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
    try:
        return _OWNERS.validate_json(os.pread(handle, 4096, 0))
    except ValidationError:
        return None  # new, or cut short while being written: nobody works under such a lock


def _is_alive(owner: Owner, silent_seconds: float) -> bool:
    if owner.host != socket.gethostname():
        return silent_seconds < STALE_SECONDS
    return _start_of(owner.pid) in {owner.started, _UNKNOWN}


def _this_process() -> Owner:
    return Owner(
        host=socket.gethostname(),
        pid=os.getpid(),
        started=_start_of(os.getpid()),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _start_of(pid: int) -> str:
    """Start of a process in the kernel's own count, ``unknown`` where the kernel does not tell, empty if it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _UNKNOWN if _answers(pid) else ""
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else start  # a killed process stays a zombie until its parent looks


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
