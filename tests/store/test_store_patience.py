"""Back-off: what passes is waited for, what does not is not, and waiting ends."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_driver import TINY, blocks_of, failing

from widthwise import store
from widthwise.errors import StorageError
from widthwise.store import files, patience
from widthwise.store.journal import Journal


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A clock that moves while it is slept only; the lengths of all pauses."""
    lengths: list[float] = []
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 300.0)
    monkeypatch.setattr(patience.time, "monotonic", lambda: sum(lengths))
    monkeypatch.setattr(patience.time, "sleep", lengths.append)
    return lengths


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR])
def test_a_file_system_that_comes_back_is_waited_for(
    tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    left, real = [code] * 5, os.fsync

    def away(handle: int) -> None:
        if left:
            number = left.pop()
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", away)
    files.write_atomic(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert [found.name for found in tmp_path.iterdir()] == ["a"]
    assert len(pauses) == 5
    assert all(0.05 * 2**k <= pause <= 0.1 * 2**k for k, pause in enumerate(pauses))


def test_waiting_grows_with_jitter_and_ends(tmp_path: Path, pauses: list[float]) -> None:
    with failing("fsync", errno.EIO), pytest.raises(StorageError, match=r"Input/output error .* run the same command"):
        files.write_atomic(tmp_path / "a", b"whole")
    assert 300 <= sum(pauses) <= 300 + patience.LONGEST_PAUSE_SECONDS
    assert max(pauses) <= patience.LONGEST_PAUSE_SECONDS
    assert len(set(pauses)) == len(pauses)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS])
def test_what_does_not_pass_is_not_waited_for(tmp_path: Path, pauses: list[float], code: int) -> None:
    with failing("write", code), pytest.raises(StorageError, match="--out"):
        files.write_atomic(tmp_path / "a", b"whole")
    assert pauses == []


def test_a_line_written_twice_counts_once(tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """The write arrives, its reply does not."""
    lost, real = [1], os.fsync

    def reply_lost(handle: int) -> None:
        real(handle)
        if lost:
            raise OSError(lost.pop() and errno.EIO, "lost")

    monkeypatch.setattr(os, "fsync", reply_lost)
    for one in blocks_of(TINY):
        Journal(tmp_path, "worker-0").record(one, {}, 0.0, 1)
    assert set(store.read_journal(tmp_path)) == set(blocks_of(TINY))
    assert len(pauses) == 1
