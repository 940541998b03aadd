"""Tape: what a program drew at its first run, for it to be run again on the same numbers."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Tape:
    """Gives, to calls in the same order as those of the first run, what these made."""

    def __init__(self, kept: list[Any] | None = None) -> None:
        self._kept: list[Any] = [] if kept is None else kept
        self._played = 0

    def __call__(self, make: Callable[[], T]) -> T:
        """What was made here at the first run; made now if this is the first."""
        if self._played == len(self._kept):
            self._kept.append(make())
        self._played += 1
        found: T = self._kept[self._played - 1]
        return found

    def rewound(self) -> "Tape":
        """The same tape at its beginning."""
        return Tape(self._kept)


def live(make: Callable[[], T]) -> T:
    """Made now, and kept nowhere."""
    return make()
