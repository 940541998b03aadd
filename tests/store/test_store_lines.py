"""Journal and log where nothing can be appended to: segments, put whole for every line."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from object_faults import requests
from obstore.exceptions import GenericError

from widthwise import store
from widthwise.errors import StorageError
from widthwise.plan.units import Block
from widthwise.store import Journal, Log, RunPath, read_log, run_path
from widthwise.store.lines import SEGMENT_LINES

AWAY = GenericError("503 Service Unavailable")


@pytest.fixture(params=["disk", "objects"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> RunPath:
    return tmp_path if request.param == "disk" else run_path(f"memory://lines/{request.node.name}.run")


def note(journal: Journal, index: int) -> None:
    journal.record(Block("trials", 0, 64, index), {"trials/loss/c/0/0": "ab"}, seconds=1.5, attempt=1)


def test_every_line_is_there_whoever_wrote_it(path: RunPath) -> None:
    count = 2 * SEGMENT_LINES + 3
    first, second = Journal(path, "worker-a"), Journal(path, "worker-b")
    for index in range(count):
        note(first if index % 3 else second, index)
        if index % 50 == 0:
            assert len(store.read_journal(path)) == index + 1
    note(Journal(path, "worker-a"), count)  # a namesake goes on behind
    assert {block.index for block in store.read_journal(path)} == set(range(count + 1))


def test_a_segment_is_full_after_so_many_lines() -> None:
    path = run_path("memory://lines/segments.run")
    journal = Journal(path, "worker")
    for index in range(SEGMENT_LINES + 1):
        note(journal, index)
    sizes = [len(file.read_bytes().splitlines()) for file in sorted((path / "journal").iterdir())]
    assert sizes == [SEGMENT_LINES, 1]


@pytest.mark.parametrize("arrives", [False, True])
def test_a_put_that_fails_loses_no_line_that_was_acknowledged(arrives: bool) -> None:
    path = run_path(f"memory://lines/failing-{arrives}.run")
    journal = Journal(path, "worker")
    for index in range(10):
        note(journal, index)

    def away(real: Callable[[], object]) -> None:
        if arrives:
            real()
        raise AWAY

    with requests(away), pytest.raises(StorageError, match="503"):
        note(journal, 10)
    note(journal, 11)
    held = {block.index for block in store.read_journal(path)}
    assert {*range(10), 11} <= held


def test_a_log_is_written_within_about_a_second_and_to_its_end(path: RunPath) -> None:
    with Log(path, "driver-1") as log:
        log.record({"event": "unit_done", "worker": 3, "error": None})
        end = time.monotonic() + 60
        while not list(read_log(path)) and time.monotonic() < end:
            time.sleep(0.05)
        log.record({"event": "finish", "text": "a\nb"})
    assert list(read_log(path)) == [
        {"event": "unit_done", "worker": 3, "error": None},
        {"event": "finish", "text": "a\nb"},
    ]


def test_a_line_of_the_log_that_is_cut_hides_no_other(tmp_path: Path) -> None:
    for number in range(2):
        with Log(tmp_path, "driver") as log:
            log.record({"number": number})
        with (tmp_path / "log/driver.jsonl").open("ab") as file:
            file.write(b'{"number": 7')
    assert list(read_log(tmp_path)) == [{"number": 0}, {"number": 1}]


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    with Log(tmp_path, "driver") as log:
        log.record({"number": 1})
    assert list(read_log(tmp_path)) == []


def test_where_nothing_was_written_nothing_is_read(path: RunPath) -> None:
    assert list(read_log(path)) == []
    assert store.read_journal(path) == {}
