"""The lock: one driver at a time writes a run."""

import threading
from types import TracebackType
from typing import Protocol, Self

from widthwise.errors import StorageError
from widthwise.store.lock_file import LockFile
from widthwise.store.lock_object import LockObject
from widthwise.store.objects import ObjectPath
from widthwise.store.owner import Owner, this_process
from widthwise.store.paths import RunPath

LOCK = "run.lock"
HEARTBEAT_SECONDS = 10.0


class Holding(Protocol):
    """Where a lock is kept; what one process does is done wholly before or after what another does."""

    def take(self, me: Owner) -> Owner | None:
        """Take the lock unless a live owner holds it; gives that owner.

        Raises:
            StorageError: the place cannot be read or written.
        """

    def beat(self) -> None:
        """Show that the owner lives; an error is no matter, the next beat may succeed."""

    def release(self) -> None:
        """Give the lock back, unless another has taken it over meanwhile."""


class Lock:
    """Context manager over ``run.lock`` in the run ``path``.

    A lock of a dead process of this host, or of another host without a heartbeat for a minute, is taken over.
    """

    def __init__(self, path: RunPath) -> None:
        """Prepare the lock of the run ``path``; nothing is locked before entry."""
        self._path = path
        self._holding: Holding = _holding(path / LOCK)
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="run.lock heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            StorageError: a live driver holds it, or the directory cannot be written.
        """
        owner = self._holding.take(this_process())
        if owner is not None:
            message = (
                f"run {self._path} is being written by pid {owner.pid} on host {owner.host} since {owner.since}; "
                "wait for it, stop it, or choose another --out"
            )
            raise StorageError(message)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        self._released.set()
        self._heart.join(1.0)  # a beat that waits for a store that is gone finds later that there is no lock to renew
        self._holding.release()

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            self._holding.beat()


def _holding(file: RunPath) -> Holding:
    return LockObject(file) if isinstance(file, ObjectPath) else LockFile(file)
