"""``widthwise top``: a run seen from its directory, once or until it is done; nothing there is touched."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import widthwise
from widthwise.store import Lock
from widthwise_cli import top

SPEC = {
    "experiment": "nngp",
    "data": {"source": "gaussian", "count": 2, "features": 3},
    "sweep": {"width": [4, 8], "trials": 12},
    "limit": {"samples": 64, "replicates": 2},
    "numerics": {"microbatch": 4},
}

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return widthwise.run(SPEC, tmp_path_factory.mktemp("top") / "a.run", address="inline")


def stamps(path: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in path.rglob("*")}


def test_once_prints_the_run_and_touches_nothing(call: Call, finished: Path) -> None:
    before = stamps(finished)
    code, out, _ = call("top", str(finished), "--once")
    assert code == 0
    assert "10 of 10 blocks" in out
    assert "driver: none" in out
    assert [line.split()[:5] for line in out.splitlines() if line.startswith("trials")] == [
        ["trials", "4", "3", "of", "3"],
        ["trials", "8", "3", "of", "3"],
    ]
    assert stamps(finished) == before


def test_json_is_for_machines(call: Call, finished: Path) -> None:
    code, out, _ = call("top", str(finished), "--json")
    found = json.loads(out)
    assert (code, found["done"], found["total"], found["complete"], found["driver"]) == (0, 10, 10, True, None)


def test_a_terminal_is_refreshed_until_the_driver_is_gone(
    call: Call, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    lock = Lock(finished)
    lock.__enter__()
    looks: list[float] = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            lock.__exit__(None, None, None)
            released.set()

    monkeypatch.setattr(top.time, "sleep", wait)
    monkeypatch.setattr(type(top.messages), "is_terminal", property(lambda console: True))
    code, out, _ = call("top", str(finished))
    assert released.is_set()
    assert looks == [top.REFRESH_SECONDS] * 3
    assert (code, "driver: none" in out) == (0, True)


def test_what_is_no_run_is_refused_in_one_line(call: Call, tmp_path: Path) -> None:
    code, out, err = call("top", str(tmp_path / "no.run"), "--once")
    assert (code, out) == (2, "")
    assert "no such run" in err
