"""The lock on an object store: conditional puts decide, whoever comes at the same time."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from object_faults import gone, requests
from obstore.exceptions import GenericError

from widthwise.errors import StorageError
from widthwise.store import Lock, ObjectPath, lock, run_path
from widthwise.store import lock_object as module
from widthwise.store.owner import Owner, decode_owner, encode_owner


@pytest.fixture
def path(request: pytest.FixtureRequest) -> Iterator[ObjectPath]:
    place = run_path(f"memory://locks/{request.node.name}.run")
    assert isinstance(place, ObjectPath)
    yield place
    place.remove()


def owner_of(path: ObjectPath) -> Owner:
    owner = decode_owner((path / "run.lock").read_bytes())
    assert owner is not None
    return owner


def forge(path: ObjectPath, owner: Owner) -> None:
    (path / "run.lock").write_bytes(encode_owner(owner))


AWAY = GenericError("503 Service Unavailable")
FAR = Owner(host="far-away", pid=1, started="1", since="2026-01-01T00:00:00+00:00")


def test_a_second_driver_is_refused_in_one_line_until_the_first_is_done(path: ObjectPath) -> None:
    with Lock(path):
        for _ in range(2):
            with (
                pytest.raises(StorageError, match=f"{path} is being written by pid .* another --out") as caught,
                Lock(path),
            ):
                pass
        assert "\n" not in str(caught.value)
    with Lock(path):
        pass
    assert not path.exists()


def test_a_dead_process_of_this_host_loses_its_lock(path: ObjectPath) -> None:
    forge(path, gone())
    with Lock(path):
        assert owner_of(path).host == socket.gethostname()


def test_another_host_keeps_its_lock_while_its_heart_beats(path: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    forge(path, FAR)
    with pytest.raises(StorageError, match="host far-away"), Lock(path):
        pass
    silence = [59.0, 61.0]
    monkeypatch.setattr(module.LockObject, "_silence", lambda *_: silence.pop(0))
    with pytest.raises(StorageError, match="host far-away"), Lock(path):
        pass
    with Lock(path):
        assert owner_of(path).host == socket.gethostname()


def test_silence_is_measured_by_the_clock_of_the_store(path: ObjectPath) -> None:
    forge(path, FAR)
    there = (path / "run.lock").version()
    assert there is not None
    holding = module.LockObject(path / "run.lock")
    assert 0 <= holding._silence(there) < 30
    assert holding._silence(replace(there, modified=there.modified - 100)) >= 100
    assert [found.name for found in path.iterdir()] == ["run.lock"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"host": 3}', b"\xff"])
def test_a_lock_that_names_nobody_is_nobodys(path: ObjectPath, content: bytes) -> None:
    (path / "run.lock").write_bytes(content)
    with Lock(path), pytest.raises(StorageError), Lock(path):
        pass


def test_the_heart_beats_and_every_beat_is_another_object(path: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.001)
    beaten = threading.Event()
    real = module.LockObject.beat

    def beat(self: module.LockObject) -> None:
        real(self)
        if owner_of(path).beats > 2:
            beaten.set()

    monkeypatch.setattr(module.LockObject, "beat", beat)
    with Lock(path):
        first = owner_of(path).token
        assert beaten.wait(60)
        assert owner_of(path).token == first


def test_a_lock_taken_over_is_neither_renewed_nor_released(path: ObjectPath) -> None:
    holding = module.LockObject(path / "run.lock")
    assert holding.take(replace(gone(), token="mine")) is None
    forge(path, FAR)
    holding.beat()
    holding.release()
    assert owner_of(path) == FAR


def test_a_take_over_loses_against_a_heartbeat_in_between(path: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner is thought dead and beats before the lock is taken: the put fails, and the owner is found alive."""
    forge(path, FAR)
    silence = [100.0, 0.0]

    def silent(self: module.LockObject, there: object) -> float:
        forge(path, replace(FAR, beats=7))
        return silence.pop(0)

    monkeypatch.setattr(module.LockObject, "_silence", silent)
    with pytest.raises(StorageError, match="host far-away"), Lock(path):
        pass
    assert owner_of(path).beats == 7


@pytest.mark.parametrize("dead", [False, True])
def test_of_many_at_once_exactly_one_wins(path: ObjectPath, dead: bool) -> None:
    started, finished, outcomes = threading.Barrier(8), threading.Barrier(8), []
    if dead:
        forge(path, gone())

    def contend() -> None:
        started.wait()
        try:
            with Lock(path):
                outcomes.append("taken")
                finished.wait()
        except StorageError:
            outcomes.append("refused")
            finished.wait()

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["taken"]


def test_a_put_whose_reply_was_lost_and_that_is_repeated_takes_the_lock(path: ObjectPath) -> None:
    def twice(real: Callable[[], object]) -> object:
        real()
        return real()  # as the client does that heard nothing: the second is refused, since the first arrived

    with requests(twice, ("put",)):
        holding = module.LockObject(path / "run.lock")
        assert holding.take(gone()) is None
    assert owner_of(path).pid == gone().pid


def test_a_store_that_is_away_neither_breaks_the_heart_nor_the_release(path: ObjectPath) -> None:
    def away(real: Callable[[], object]) -> object:
        raise AWAY

    with pytest.raises(StorageError, match="503"), requests(away, ("get", "put")), Lock(path):
        pass
    holding = module.LockObject(path / "run.lock")
    assert holding.take(gone()) is None
    with requests(away, ("get", "put", "delete")):
        holding.beat()
        holding.release()
    holding.beat()
    assert owner_of(path).beats == 1
