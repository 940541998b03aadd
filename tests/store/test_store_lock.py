"""The lock: one live driver, and no dead one in the way."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_driver import failing

from widthwise.errors import StorageError
from widthwise.store import Lock
from widthwise.store import lock as module
from widthwise.store import owner as owners


def forge(path: Path, pid: int, host: str | None = None, started: str | None = None) -> None:
    """Write the lock of another process."""
    owner = {
        "host": host or socket.gethostname(),
        "pid": pid,
        "started": owners.start_of(pid) if started is None else started,
        "since": "2026-01-01T00:00:00+00:00",
    }
    (path / "run.lock").write_text(json.dumps(owner))


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A live process that is not this one."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_second_lock_is_refused_until_the_first_is_released(tmp_path: Path) -> None:
    with Lock(tmp_path):
        with pytest.raises(StorageError) as caught, Lock(tmp_path):
            pass
        with pytest.raises(StorageError), Lock(tmp_path):
            pass
    message = str(caught.value)
    assert f"{tmp_path} is being written by pid {os.getpid()} on host {socket.gethostname()} since 20" in message
    assert "another --out" in message
    assert "\n" not in message
    with Lock(tmp_path):
        pass
    assert not any(tmp_path.iterdir())


def test_a_live_process_keeps_its_lock_and_a_killed_one_loses_it(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    forge(tmp_path, other.pid)
    with pytest.raises(StorageError, match=f"pid {other.pid}"), Lock(tmp_path):
        pass
    other.kill()
    # Nobody has looked after it yet: it is a zombie, which still has its pid.
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    with Lock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()


def test_a_pid_in_use_again_is_another_process(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    forge(tmp_path, other.pid, started="1")
    with Lock(tmp_path):
        pass


def test_a_process_that_the_kernel_hides_is_asked_for_a_sign_of_life(
    tmp_path: Path, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    forge(tmp_path, other.pid)
    monkeypatch.setattr(Path, "read_text", hidden)
    with pytest.raises(StorageError, match=f"pid {other.pid}"), Lock(tmp_path):
        pass
    other.kill()
    other.wait()
    with Lock(tmp_path):
        pass


def hidden(path: Path) -> str:
    raise PermissionError(path)


def test_another_host_keeps_its_lock_while_its_heart_beats(tmp_path: Path) -> None:
    forge(tmp_path, pid=1, host="far-away", started="1")
    with pytest.raises(StorageError, match="host far-away"), Lock(tmp_path):
        pass
    last = (tmp_path / "run.lock").stat().st_mtime - owners.STALE_SECONDS - 1
    os.utime(tmp_path / "run.lock", (last, last))
    with Lock(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b'{"host": 3}', b"\xff"])
def test_a_lock_cut_short_is_nobodys(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.lock").write_bytes(content)
    with Lock(tmp_path), pytest.raises(StorageError), Lock(tmp_path):
        pass


def test_releasing_leaves_the_lock_of_whoever_took_over(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    with Lock(tmp_path):
        forge(tmp_path, other.pid)
    with pytest.raises(StorageError, match=f"pid {other.pid}"), Lock(tmp_path):
        pass


def test_the_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beaten = threading.Event()
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.001)
    monkeypatch.setattr(os, "utime", lambda file: beaten.set() if Path(file).name == "run.lock" else None)
    with Lock(tmp_path):
        assert beaten.wait(60)


def test_of_many_at_once_exactly_one_takes_over_a_dead_lock(tmp_path: Path) -> None:
    started = threading.Barrier(8)
    finished = threading.Barrier(8)
    outcomes: list[str] = []

    def contend() -> None:
        started.wait()
        try:
            with Lock(tmp_path):
                outcomes.append("taken")
                finished.wait()
        except StorageError:
            outcomes.append("refused")
            finished.wait()

    forge(tmp_path, pid=2**22 + 1, started="1")
    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["taken"]


def test_a_lock_released_between_opening_and_locking_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = [tmp_path / "run.lock"]

    def released_meanwhile(handle: int, operation: int) -> None:
        if releases:
            releases.pop().unlink()

    monkeypatch.setattr(fcntl, "flock", released_meanwhile)
    with Lock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()


def test_an_unwritable_directory_is_one_line(tmp_path: Path) -> None:
    with (
        failing("open", code=13),
        pytest.raises(StorageError, match=r"run.lock: Permission denied; .*--out"),
        Lock(tmp_path),
    ):
        pass
