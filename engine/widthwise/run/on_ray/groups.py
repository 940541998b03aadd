"""Groups: members that compute one replicate together, each in a process of its own, meet in one actor."""

import asyncio
from typing import Any, TypeAlias

import numpy as np
import ray
from ray.exceptions import RayError

from widthwise.errors import ShardLostError

Handle: TypeAlias = Any
"""An actor of Ray, whose own type for it knows no methods."""
Round = tuple[int, int]
"""Number of the assignment, and of the call in it."""
GRACE_SECONDS = 10.0
"""How much longer a member waits for the meeting than the meeting for the members."""


class Meeting:
    """Where the parts of ``count`` members meet, in an actor without a processor of its own.

    A round is forgotten when all have been answered, and all rounds of an assignment that was broken off.
    """

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._rounds: dict[Round, list[np.ndarray | None]] = {}
        self._answered: dict[Round, int] = {}
        self._changed = asyncio.Condition()
        self._broken = -1

    async def gather(self, round_: Round, index: int, part: np.ndarray) -> list[np.ndarray] | str:
        """The parts of all members, or why there are none."""
        async with self._changed:
            parts = self._rounds.setdefault(round_, [None] * self._count)
            parts[index] = part
            self._changed.notify_all()
            try:
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: self._is_over(round_, parts)), timeout=self._seconds
                )
            except TimeoutError:
                return f"shard {_missing(parts)} of {self._count} was silent for {self._seconds:g} s"
            finally:
                self._forget(round_)
            whole = [each for each in parts if each is not None]
            return whole if len(whole) == self._count else f"shard {_missing(parts)} of {self._count} has failed"

    async def break_off(self, assignment: int) -> None:
        """Let nobody wait any more for a member that has failed in an assignment."""
        async with self._changed:
            self._broken = max(self._broken, assignment)
            self._changed.notify_all()

    def _is_over(self, round_: Round, parts: list[np.ndarray | None]) -> bool:
        return round_[0] <= self._broken or all(part is not None for part in parts)

    def _forget(self, round_: Round) -> None:
        self._answered[round_] = self._answered.get(round_, 0) + 1
        if self._answered[round_] == self._count or round_[0] <= self._broken:
            self._answered.pop(round_)
            self._rounds.pop(round_, None)


class MeetingExchange:
    """One member's access to a `Meeting` during one assignment."""

    def __init__(self, meeting: Handle, assignment: int, index: int, seconds: float) -> None:
        self._meeting = meeting
        self._assignment = assignment
        self._index = index
        self._seconds = seconds
        self._calls = 0

    def gather(self, part: np.ndarray) -> list[np.ndarray]:
        """The parts of all members in the order of their indices.

        Raises:
            ShardLostError: a member, or the meeting itself, is lost or silent.
        """
        round_, self._calls = (self._assignment, self._calls), self._calls + 1
        call: ray.ObjectRef[list[np.ndarray] | str] = self._meeting.gather.remote(round_, self._index, part)
        try:
            answer = ray.get(call, timeout=self._seconds + GRACE_SECONDS)
        except RayError as error:
            message = f"shard {self._index}: the meeting of its group is lost ({type(error).__name__})"
            raise ShardLostError(message) from error
        if isinstance(answer, str):
            raise ShardLostError(answer)
        return answer


def _missing(parts: list[np.ndarray | None]) -> str:
    return ", ".join(str(index) for index, part in enumerate(parts) if part is None)
