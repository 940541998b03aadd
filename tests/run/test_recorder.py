"""The log of a driver: every message that matters is a line with all that is known of it."""

import json
from pathlib import Path

import pytest

from widthwise.errors import StorageError
from widthwise.plan import Span, Unit
from widthwise.run.messages import (
    Assign,
    Finish,
    KillWorker,
    PlaceOffered,
    PlaceWithdrawn,
    Quarantine,
    RestartWorker,
    StopAsked,
    Tick,
    UnitDone,
    UnitFailed,
    WorkerLost,
    WorkerReady,
)
from widthwise.run.recorder import Recorder
from widthwise.store import read_log

UNIT = Unit(Span("trials", 3, 64, 10, 2), 1.5, 100)
ADDRESS = {"kind": "trials", "point": 3, "width": 64, "first": 10, "count": 2}
BLOCK = UNIT.span.block(1)


def lines(path: Path, *messages: object) -> list[dict[str, object]]:
    with Recorder(path) as recorder:
        for message in messages:
            recorder.record(message)  # type: ignore[arg-type]
    first, *found, last = read_log(path)
    assert (first["event"], last["event"]) == ("driver_started", "driver_ended")
    return found


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (WorkerReady(worker=0, canary={"torch": "2"}), {"event": "worker_ready", "worker": 0}),
        (RestartWorker(worker=0), {"event": "restart_worker", "worker": 0}),
        (KillWorker(worker=0), {"event": "kill_worker", "worker": 0}),
        (Assign(worker=0, unit=UNIT, attempt=2), {"event": "assign", "worker": 0, "attempt": 2, **ADDRESS}),
        (UnitDone(worker=0, unit=UNIT, seconds=2.0), {"event": "unit_done", "worker": 0, "seconds": 2.0, **ADDRESS}),
        (
            UnitFailed(worker=0, unit=UNIT, block=BLOCK, error="e", traceback="t", out_of_memory=True),
            {"event": "unit_failed", "block": 11, "error": "e", "traceback": "t", "out_of_memory": True, **ADDRESS},
        ),
        (
            WorkerLost(worker=0, reason="killed", blameless=True),
            {"event": "worker_lost", "reason": "killed", "blameless": True},
        ),
        (PlaceWithdrawn(worker=0, reason="drained"), {"event": "place_withdrawn", "reason": "drained"}),
        (
            Quarantine(unit=UNIT, block=BLOCK, attempts=3, error="e", traceback="t"),
            {"event": "quarantine", "block": 11, "attempts": 3, "error": "e", "traceback": "t", **ADDRESS},
        ),
        (StopAsked(error=StorageError("full")), {"event": "stop_asked", "error": "StorageError: full"}),
        (Finish(error=None), {"event": "finish"}),
    ],
)
def test_a_message_is_a_line_with_its_fields(tmp_path: Path, message: object, expected: dict[str, object]) -> None:
    offer, line = lines(tmp_path, PlaceOffered(worker=0, node="a", node_bytes=7), message)
    assert offer | {"event": "place_offered", "worker": 0, "node": "a", "node_bytes": 7} == offer
    assert line | expected == line
    assert isinstance(line["time"], float)
    assert line.get("node", "a") == "a"
    assert ("worker" in line) == ("node" in line)


def test_time_that_passes_is_no_news(tmp_path: Path) -> None:
    assert lines(tmp_path, Tick()) == []


def test_the_end_says_what_ended_it_and_every_driver_has_a_file_of_its_own(tmp_path: Path) -> None:
    with Recorder(tmp_path):
        pass
    recorder = Recorder(tmp_path)
    with pytest.raises(StorageError), recorder:
        raise StorageError("full")  # noqa: EM101
    first, second = sorted((tmp_path / "log").iterdir())
    assert recorder.file in (first, second)
    assert json.loads(recorder.file.read_text().splitlines()[-1])["error"] == "StorageError: full"
