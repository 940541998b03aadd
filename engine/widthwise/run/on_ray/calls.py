"""Calls: what has been asked of the workers and not been answered by all members of their place."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import ray

from widthwise.run.messages import Event, StopAsked, UnitDone, UnitFailed, WorkerLost

Ref: TypeAlias = "ray.ObjectRef[Event]"


@dataclass(eq=False, kw_only=True)
class Call:
    """One question to all members of a place: to open, or to compute a unit. ``answers`` in order of arrival."""

    worker: int
    assignment: int
    members: int
    answers: list[Event] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether a member failed, so that the others may wait in vain for its parts."""
        return any(isinstance(answer, UnitFailed) for answer in self.answers)

    def verdict(self) -> Event | None:
        """What the answers come to; None while one that matters is missing."""
        urgent = [answer for answer in self.answers if isinstance(answer, StopAsked)]
        if urgent:
            return urgent[0]
        if not self.failed:
            lost = [answer for answer in self.answers if isinstance(answer, WorkerLost)]
            if lost:
                return lost[0]
        if len(self.answers) < self.members:
            return None
        return next((answer for answer in self.answers if isinstance(answer, UnitFailed)), self._done())

    def _done(self) -> Event:
        slowest = [answer for answer in self.answers if isinstance(answer, UnitDone)]
        if not slowest:
            return self.answers[0]
        return replace(slowest[0], seconds=max(answer.seconds for answer in slowest))


class Calls:
    """Open calls by the references that Ray will answer, in the order in which they were made."""

    def __init__(self) -> None:
        self._by_ref: dict[Ref, Call] = {}

    def add(self, call: Call, refs: Iterable[Ref]) -> None:
        """Remember a call and one reference for each of its members."""
        self._by_ref.update(dict.fromkeys(refs, call))

    def take(self, ref: Ref) -> Call | None:
        """The call that a reference belongs to, which counts as answered by it; None if it was dropped."""
        return self._by_ref.pop(ref, None)

    def drop(self, worker: int) -> None:
        """Forget everything that was asked of a worker."""
        self._by_ref = {ref: call for ref, call in self._by_ref.items() if call.worker != worker}

    def refs(self) -> list[Ref]:
        """What is to be waited for."""
        return list(self._by_ref)
