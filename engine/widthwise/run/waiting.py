"""Waiting: the units that nobody has in hand, in the order in which they are wanted; made one by one."""

from bisect import bisect_right, insort
from itertools import count
from math import inf

from widthwise.plan.units import Series, Unit


class _Entry:
    """What is left of a series. ``key`` is larger for what comes earlier."""

    __slots__ = ("failures", "key", "left", "order")

    def __init__(self, left: Series, failures: int, order: int) -> None:
        self.left = left
        self.failures = failures
        self.order = order
        self.key = self._key()

    def _key(self) -> tuple[int, float, int]:
        """Few failures, then many seconds, then those that waited longest."""
        return -self.failures, self.left.seconds * min(self.left.length, self.left.span.count), -self.order

    def take(self) -> tuple[Unit, bool]:
        """The next unit, and whether the one after it is of another size."""
        series = self.left
        span, length = series.span, min(series.length, series.span.count)
        unit = Unit(span.part(0, length), series.seconds * length, series.bytes)
        self.left = Series(span.part(length, span.count), series.length, series.seconds, series.bytes)
        shorter = span.count - length < length
        if shorter:
            self.key = self._key()
        return unit, shorter


def _key_of(entry: _Entry) -> tuple[int, float, int]:
    return entry.key


class Waiting:
    """Those that failed least come first, and among these the largest.

    Memory and time grow with the number of series, not with that of their units: a shelf for every number of bytes
    that units need, in order.
    """

    def __init__(self) -> None:
        self.units = 0
        self._shelves: dict[int, list[_Entry]] = {}
        self._order = count()

    def add(self, series: Series, *, room: int, failures: int = 0) -> None:
        """Let the units of a series wait for a place with ``room`` bytes."""
        if series.span.count:
            insort(self._shelves.setdefault(room, []), _Entry(series, failures, next(self._order)), key=_key_of)
            self.units += series.count

    def first_room(self) -> int:
        """The bytes that the first unit of all needs."""
        return max(self._shelves, key=lambda room: self._shelves[room][-1].key)

    def take(self, room: int, *, last: bool = False, seconds: float = inf) -> tuple[Unit, int] | None:
        """The first unit, or the last, that needs no more than ``room`` bytes, and the bytes that it needs.

        Of no more than ``seconds``, if these are finite, and without a failure then.
        """
        best: tuple[tuple[int, float, int], int, int] | None = None
        for each, shelf in self._shelves.items():
            position = 0 if last else len(shelf) - 1
            if seconds < inf:
                position = bisect_right(shelf, (0, seconds, 0), key=_key_of) - 1
            if each > room or position < 0 or (seconds < inf and shelf[position].failures):
                continue
            key = shelf[position].key
            if best is None or (key < best[0] if last else key > best[0]):
                best = key, each, position
        if best is None:
            return None
        _, found, position = best
        return self._taken_from(found, position), found

    def _taken_from(self, room: int, position: int) -> Unit:
        shelf = self._shelves[room]
        entry = shelf[position]
        unit, moves = entry.take()
        if moves:
            shelf.pop(position)
            if entry.left.span.count:
                insort(shelf, entry, key=_key_of)
            elif not shelf:
                del self._shelves[room]
        self.units -= 1
        return unit
