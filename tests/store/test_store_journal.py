"""The journal: what is written is read, what is damaged is ignored, and neither hides the rest."""

from pathlib import Path

import pytest
from store_driver import crashes, failing

from widthwise import store
from widthwise.errors import StorageError
from widthwise.plan.units import Block

FIRST, SECOND, THIRD = (Block("trials", 0, 64, index) for index in range(3))


def write(path: Path, block: Block, worker: str = "worker-0", digest: str = "ab") -> None:
    store.Journal(path, worker).record(block, {"trials/loss/c/0/0": digest}, seconds=1.5, attempt=2)


def test_a_line_says_what_was_recorded(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    entry = store.read_journal(tmp_path)[FIRST]
    assert (entry.block, dict(entry.chunks), entry.seconds, entry.attempt, entry.worker) == (
        FIRST,
        {"trials/loss/c/0/0": "ab"},
        1.5,
        2,
        "worker-0",
    )
    assert (tmp_path / "journal/worker-0.jsonl").read_bytes().count(b"\n") == 1


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert store.read_journal(tmp_path) == {}


def test_the_last_line_of_any_worker_wins(tmp_path: Path) -> None:
    write(tmp_path, FIRST, "worker-9", "old")
    write(tmp_path, FIRST, "worker-1", "new")
    assert dict(store.read_journal(tmp_path)[FIRST].chunks) == {"trials/loss/c/0/0": "new"}


def test_a_line_cut_anywhere_hides_neither_its_neighbours_nor_what_follows(tmp_path: Path) -> None:
    file = tmp_path / "journal/worker-0.jsonl"
    write(tmp_path, FIRST)
    first = file.read_bytes()
    write(tmp_path, SECOND)
    whole = file.read_bytes()
    for length in range(len(first), len(whole) - 1):
        file.write_bytes(whole[:length])
        assert set(store.read_journal(tmp_path)) == {FIRST}
        write(tmp_path, THIRD)
        assert set(store.read_journal(tmp_path)) == {FIRST, THIRD}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\x00",
        b"{}",
        b"[]",
        b"null",
        b'{"block": ["trials", 0, 64, 0]}',
        b'{"block":{"kind":"other","point":0,"width":64,"index":0},"chunks":{},"seconds":1,"attempt":1,'
        b'"host":"h","worker":"w","recorded":0}',
        b'{"block":{"kind":"trials","point":"0","width":64,"index":0},"chunks":{},"seconds":1,"attempt":1,'
        b'"host":"h","worker":"w","recorded":0}',
    ],
)
def test_a_line_that_is_no_entry_is_ignored(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, FIRST)
    with (tmp_path / "journal/worker-0.jsonl").open("ab") as file:
        file.write(line + b"\n")
    write(tmp_path, SECOND)
    assert set(store.read_journal(tmp_path)) == {FIRST, SECOND}


def test_a_worker_killed_while_recording_loses_at_most_its_line(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    at = 1
    while crashes(lambda: write(tmp_path, SECOND), at):
        assert FIRST in store.read_journal(tmp_path)
        write(tmp_path, THIRD)
        assert THIRD in store.read_journal(tmp_path)
        at += 1
    assert at > 3  # open, write, sync
    assert set(store.read_journal(tmp_path)) == {FIRST, SECOND, THIRD}


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_full_disk_is_one_line(tmp_path: Path, call: str) -> None:
    write(tmp_path, FIRST)
    with (
        failing(call),
        pytest.raises(StorageError, match=r"worker-0.jsonl: No space left on device \(\d+ bytes needed"),
    ):
        write(tmp_path, SECOND)
    assert FIRST in store.read_journal(tmp_path)
    write(tmp_path, THIRD)
    assert {FIRST, THIRD} <= set(store.read_journal(tmp_path))
