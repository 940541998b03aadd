"""Object stores that fail: ways to die and to err at the n-th request, and copies of what is there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import obstore
import pytest
from store_driver import Crash

from widthwise.store import ObjectPath, lock
from widthwise.store.owner import Owner, this_process

CHANGES = ("put", "delete")
ALL = (*CHANGES, "get", "head", "list", "list_with_delimiter")


@contextmanager
def requests(instead: Callable[[Callable[[], object]], object], names: tuple[str, ...] = CHANGES) -> Iterator[None]:
    """``instead(real)`` is what a request gives, ``real()`` being what it would."""
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(obstore, name, _intercepted(getattr(obstore, name), instead))
        yield


def _intercepted(real: Callable[..., Any], instead: Callable[[Callable[[], object]], object]) -> Callable[..., Any]:
    return lambda *arguments, **options: instead(lambda: real(*arguments, **options))


def dies(action: Callable[[], object], at: int, *, after: bool = False) -> bool:
    """Run ``action`` and kill it before, or right ``after``, its ``at``-th change; False if it ended earlier.

    The lock that it may leave is that of a process that is gone.
    """
    counting, count = threading.Lock(), 0

    def instead(real: Callable[[], object]) -> object:
        nonlocal count
        with counting:
            count += 1
            if count > at or (count == at and not after):
                raise Crash
            result = real()
            if count == at:
                raise Crash
            return result

    with pytest.MonkeyPatch.context() as patch, requests(instead):
        patch.setattr(lock, "this_process", gone)
        try:
            action()
        except Crash:
            return True
    return False


def gone() -> Owner:
    """A process of this host that is no more."""
    me = this_process()
    return Owner(host=me.host, pid=2**22 + 1, started="1", since=me.since)


def copied(source: ObjectPath, target: ObjectPath) -> ObjectPath:
    """Everything below ``source``, in place of everything below ``target``."""
    target.remove()
    for file in source.rglob("*"):
        (target / file.relative_to(source).as_posix()).write_bytes(file.read_bytes())
    return target


def objects_of(path: ObjectPath) -> dict[str, tuple[bytes, str | None]]:
    """Bytes and e_tag of every object but the lock."""
    found = {file.relative_to(path).as_posix(): file.version() for file in path.rglob("*")}
    return {key: (seen.data, seen.e_tag) for key, seen in sorted(found.items()) if seen is not None}
