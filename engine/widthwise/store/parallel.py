"""in_parallel: many requests to an object store under way at once, and no more than a bounded number of them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from widthwise.store.objects import ObjectPath
from widthwise.store.paths import RunPath

REQUESTS = 32
"""A request waits for the network, not for a processor."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_parallel(place: RunPath, function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """``map(function, items)``, in the order of ``items``: in threads where ``place`` is on an object store.

    Items are drawn as results are taken, so that a million of them need no memory.
    """
    if not isinstance(place, ObjectPath):
        yield from map(function, items)
        return
    left = iter(items)
    with ThreadPoolExecutor(REQUESTS, thread_name_prefix="object store") as pool:
        waiting: deque[Future[_Result]] = deque(pool.submit(function, item) for item in islice(left, 2 * REQUESTS))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in islice(left, 1))
        finally:
            for future in waiting:
                future.cancel()
