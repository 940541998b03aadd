"""Watch: how a run goes, seen from its directory alone; cheap to ask again, since no line is read twice."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from widthwise.plan import Block
from widthwise.store import Layout, RunPath
from widthwise.store.blocks import BlockSet
from widthwise.store.following import Follower, driver_of
from widthwise.store.journal import JOURNAL
from widthwise.store.layout import holds
from widthwise.store.log import LOG
from widthwise.store.record import read_record

RECENT_SECONDS = 300.0
"""The time over which a rate is taken."""
_BUCKET_SECONDS = 5.0

Group = tuple[str, int]
"""Kind and width."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many blocks of one kind and width, over all points, are stored, and how many there are to be."""

    kind: str
    width: int
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """A worker and the unit it has computed for ``seconds``; ``kind`` is empty while it starts or waits."""

    worker: int
    node: str
    kind: str
    point: int
    width: int
    first: int
    count: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A run at one moment: ``driver`` is None if nobody writes it.

    ``blocks_per_minute`` are those of the last five minutes; ``seconds_left`` is None before there is a rate.
    ``failures`` and ``given_up`` (units) are those of the latest driver, ``error`` is what ended it.
    """

    driver: str | None
    shares: tuple[Share, ...]
    workers: tuple[AtWork, ...]
    blocks_per_minute: float
    seconds_left: float | None
    failures: int
    given_up: int
    error: str | None

    @property
    def done(self) -> int:
        """Blocks that are stored."""
        return sum(share.done for share in self.shares)

    @property
    def total(self) -> int:
        """Blocks that the run is to hold."""
        return sum(share.total for share in self.shares)

    @property
    def complete(self) -> bool:
        """Whether every block is stored and nobody is at work any more."""
        return self.done >= self.total and self.driver is None


@dataclass
class _Worker:
    node: str = ""
    since: float = 0.0
    queue: list[Mapping[str, Any]] = field(default_factory=list)


class Watch:
    """Reads the journal and the logs of the run ``path`` as they grow."""

    def __init__(self, path: RunPath) -> None:
        """Nothing is read before the first look."""
        self._path = path
        self._journal = Follower(path / JOURNAL)
        self._log = Follower(path / LOG)
        self._stored = BlockSet()
        self._done: Counter[Group] = Counter()
        self._seconds: defaultdict[Group, float] = defaultdict(float)
        self._recent: Counter[int] = Counter()
        self._asked: dict[str, int] = {}
        self._forget_driver()

    def look(self, now: float) -> Overview:
        """The run at the time ``now``, in seconds since 1970.

        Raises:
            SpecError: there is no such run.
            CorruptError: ``run.json`` is damaged.
        """
        _, layout = read_record(self._path)
        for line in self._journal.new():
            with suppress(ValueError, KeyError, TypeError):
                self._take_entry(json.loads(line), layout)
        for line in self._log.new():
            with suppress(ValueError, KeyError, TypeError):
                self._take_event(json.loads(line))
        owner = driver_of(self._path)
        totals = _totals(layout, self._asked)
        shares = [Share(kind=g[0], width=g[1], done=min(self._done[g], n), total=n) for g, n in totals.items()]
        workers = self._at_work(now) if owner is not None else ()
        return Overview(
            driver=None if owner is None else f"pid {owner.pid} on host {owner.host} since {owner.since}",
            shares=tuple(shares),
            workers=workers,
            blocks_per_minute=self._rate(now),
            seconds_left=self._seconds_left(shares, len(workers)),
            failures=self._failures,
            given_up=self._given_up,
            error=self._error,
        )

    def _take_entry(self, entry: Mapping[str, Any], layout: Layout) -> None:
        block = Block(**entry["block"])
        if block in self._stored or not holds(layout, block):
            return
        self._stored.add(block)
        self._done[block.kind, block.width] += 1
        self._seconds[block.kind, block.width] += entry["seconds"]
        self._recent[int(entry["recorded"] // _BUCKET_SECONDS)] += 1

    def _forget_driver(self) -> None:
        self._workers: defaultdict[int, _Worker] = defaultdict(_Worker)
        self._failures = self._given_up = 0
        self._error: str | None = None

    def _take_event(self, line: Mapping[str, Any]) -> None:
        event, worker, time = line["event"], int(line.get("worker", -1)), float(line["time"])
        if event == "driver_started":
            self._forget_driver()
        elif event == "asked":
            self._asked[line["kind"]] = line["blocks"]
        elif event == "driver_ended":
            self._error = line["error"]
        elif event == "quarantine":
            self._given_up += 1
        elif event in ("kill_worker", "worker_lost", "place_withdrawn"):
            self._workers.pop(worker, None)
            self._failures += event == "worker_lost" and not line.get("blameless")
        elif event == "restart_worker":
            self._workers[worker] = _Worker(node=line.get("node", ""), since=time)
        elif event == "assign":
            at = self._workers[worker]
            at.queue.append(line)
            at.since = at.since if len(at.queue) > 1 else time
        elif event in ("unit_done", "unit_failed"):
            self._failures += event == "unit_failed"
            at = self._workers[worker]
            at.queue = [unit for unit in at.queue if _address(unit) != _address(line)]
            at.since = time

    def _at_work(self, now: float) -> tuple[AtWork, ...]:
        return tuple(
            AtWork(
                worker=worker,
                node=at.node,
                kind=unit.get("kind", ""),
                point=unit.get("point", 0),
                width=unit.get("width", 0),
                first=unit.get("first", 0),
                count=unit.get("count", 0),
                seconds=max(now - at.since, 0.0),
            )
            for worker, at in sorted(self._workers.items())
            for unit in (at.queue or [{}])[:1]
        )

    def _rate(self, now: float) -> float:
        """Blocks a minute; of a run that is younger than five minutes, since its first block."""
        oldest = int((now - RECENT_SECONDS) // _BUCKET_SECONDS)
        for bucket in [bucket for bucket in self._recent if bucket < oldest]:
            del self._recent[bucket]
        if not self._recent:
            return 0.0
        span = max(now - min(self._recent) * _BUCKET_SECONDS, _BUCKET_SECONDS)
        return 60.0 * self._recent.total() / min(span, RECENT_SECONDS)

    def _seconds_left(self, shares: Sequence[Share], workers: int) -> float | None:
        """What is left at the mean seconds of its kind and width, by all workers; 0 of a run that is done."""
        left = {(share.kind, share.width): share.total - share.done for share in shares}
        if not any(left.values()):
            return 0.0
        if not workers or not self._done:
            return None
        overall = sum(self._seconds.values()) / self._done.total()
        means = {group: self._seconds[group] / self._done[group] if self._done[group] else overall for group in left}
        return sum(count * means[group] for group, count in left.items()) / workers


def _address(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(line[key] for key in ("kind", "point", "width", "first", "count"))


def _totals(layout: Layout, asked: Mapping[str, int]) -> dict[Group, int]:
    """The blocks of every kind and width; the driver knows for how many points there is a closed form."""
    totals: dict[Group, int] = {
        ("trials", width): layout.points * -(-trials // layout.microbatch)
        for width, trials in zip(layout.widths, layout.trials, strict=True)
    }
    totals |= {(kind, 0): asked.get(kind, layout.points) for kind in layout.groups if kind != "trials"}
    return {**totals, ("limit", 0): layout.points * layout.replicates} if layout.replicates else totals
