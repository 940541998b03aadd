"""What `widthwise top` sees: blocks, rate, time left, workers and failures, from the run directory alone."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from widthwise.experiments.experiment import Readout
from widthwise.plan import Block, Span, Unit
from widthwise.report.overview import overview_json, overview_table
from widthwise.report.watch import Share, Watch
from widthwise.run.messages import (
    Assign,
    PlaceOffered,
    Quarantine,
    RestartWorker,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)
from widthwise.run.recorder import Recorder
from widthwise.store import Axis, Journal, Layout, Lock, RunRecord, create_run

LAYOUT = Layout(
    axes=(Axis(name="seed", values=(0, 1)),),
    widths=(8, 64),
    trials=(12, 4),
    microbatch=4,
    replicates=3,
    readouts=(Readout(name="nngp", shape=(2, 2), dims=("a", "b"), long_name="", description="", source=""),),
    exact=True,
)
RECORD = RunRecord(
    widthwise_version="0", spec={}, identity="i", identity_fields={}, canary={}, environment={}, created="now"
)
UNIT = Unit(Span("trials", 1, 8, 0, 2), 1.0, 1)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return create_run(tmp_path / "a.run", RECORD, LAYOUT).path


def store(run: Path, *blocks: Block, seconds: float = 1.0, worker: str = "w") -> None:
    journal = Journal(run, worker)
    for block in blocks:
        journal.record(block, {}, seconds, 1)


def recorded(run: Path) -> float:
    (line, *_) = (run / "journal" / "w.jsonl").read_text().splitlines()
    return float(json.loads(line)["recorded"])


def test_blocks_are_counted_once_by_kind_and_width(run: Path) -> None:
    watch = Watch(run)
    first = watch.look(0.0)
    assert (first.done, first.total, first.driver, first.blocks_per_minute) == (0, 6 + 2 + 6 + 2 + 2, None, 0.0)
    store(run, Block("trials", 0, 8, 0), Block("trials", 1, 8, 2), Block("limit", 0, 0, 1), Block("trials", 0, 8, 9))
    store(run, Block("trials", 0, 8, 0), worker="another")
    shares = watch.look(0.0).shares
    assert Share(kind="trials", width=8, done=2, total=6) in shares
    assert Share(kind="limit", width=0, done=1, total=6) in shares
    assert Watch(run).look(0.0).shares == shares == watch.look(0.0).shares


def test_a_line_is_read_once_and_half_a_line_not_yet(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    loads = json.loads

    def counted(line: bytes) -> object:
        read.extend([line] if line.startswith(b'{"block"') else [])
        return loads(line)

    monkeypatch.setattr("widthwise.report.watch.json.loads", counted)
    watch = Watch(run)
    store(run, *(Block("trials", 0, 8, index) for index in range(2)))
    assert watch.look(0.0).done == 2
    found = len(read)
    watch.look(0.0)
    assert len(read) == found
    file = run / "journal" / "w.jsonl"
    whole = file.read_bytes()
    entry = whole.splitlines(keepends=True)[0].replace(b'"index":0', b'"index":2')
    file.write_bytes(whole + entry[:20])
    assert watch.look(0.0).done == 2
    file.write_bytes(whole + entry)
    assert watch.look(0.0).done == 3
    assert len(read) == found + 1


def test_the_rate_is_that_of_the_last_minutes(run: Path) -> None:
    store(run, *(Block("trials", 0, 8, index) for index in range(3)))
    watch, then = Watch(run), recorded(run)
    assert watch.look(then + 60).blocks_per_minute == pytest.approx(3, rel=0.1)
    assert watch.look(then + 1000).blocks_per_minute == 0.0


def test_workers_and_failures_are_those_of_the_latest_driver(run: Path) -> None:
    with Recorder(run) as old:
        old.record(UnitFailed(worker=0, unit=UNIT, block=UNIT.span.block(0), error="e", traceback="t"))
    with Lock(run), Recorder(run) as recorder:
        recorder.asked([Span("exact", 0, 0, 0, 1), Span("arithmetic", 0, 0, 0, 1)])
        for worker in (0, 1, 2):
            recorder.record(PlaceOffered(worker=worker, node="a", node_bytes=1))
            recorder.record(RestartWorker(worker=worker))
            recorder.record(WorkerReady(worker=worker, canary={}))
        other = Unit(Span("limit", 0, 0, 0, 1), 1.0, 1)
        recorder.record(Assign(worker=0, unit=other, attempt=1))
        recorder.record(Assign(worker=0, unit=UNIT, attempt=1))
        recorder.record(UnitDone(worker=0, unit=other, seconds=1.0))
        recorder.record(WorkerLost(worker=1, reason="killed"))
        recorder.record(WorkerLost(worker=2, reason="drained", blameless=True))
        recorder.record(RestartWorker(worker=1))
        recorder.record(Quarantine(unit=UNIT, block=None, attempts=3, error="e"))
        recorder._log.close()
        found = Watch(run).look(2e9)
        assert [(at.worker, at.node, at.kind, at.point, at.width, at.count) for at in found.workers] == [
            (0, "a", "trials", 1, 8, 2),
            (1, "a", "", 0, 0, 0),
        ]
        assert (found.failures, found.given_up, found.error) == (1, 1, None)
        assert found.driver is not None
        assert Share(kind="exact", width=0, done=0, total=1) in found.shares
    assert Watch(run).look(2e9).workers == ()


def test_time_left_is_what_is_left_at_what_such_blocks_took(run: Path) -> None:
    """8 trials of width 8 and 64, 6 of the limit, 2 and 2: with 2 s each for all but one, by one worker."""
    with Lock(run), Recorder(run) as recorder:
        recorder.record(RestartWorker(worker=0))
        recorder._log.close()
        store(run, Block("trials", 0, 8, 0), seconds=2.0)
        assert Watch(run).look(2e9).seconds_left == pytest.approx(2.0 * 17)


def test_a_run_is_complete_when_nothing_is_missing_and_nobody_writes(run: Path) -> None:
    trials = [Block("trials", p, w, i) for p in (0, 1) for w, n in ((8, 3), (64, 1)) for i in range(n)]
    rest = [Block(kind, p, 0, i) for p in (0, 1) for kind, n in KINDS.items() for i in range(n)]
    store(run, *trials, *rest)
    with Lock(run):
        assert not Watch(run).look(0.0).complete
    found = Watch(run).look(0.0)
    assert found.complete
    assert found.seconds_left == 0.0
    assert overview_json(found)["done"] == overview_json(found)["total"] == 18
    assert overview_table(found) is not None


KINDS: Mapping[str, int] = {"limit": 3, "exact": 1, "arithmetic": 1}
