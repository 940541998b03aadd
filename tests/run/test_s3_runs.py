"""Runs on S3 by its real protocol: the bits of a local run, whatever is killed and whatever does not answer."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from run_fakes import BLOCKS, numbers, tiny_spec
from s3_server import Failing, forget, s3_server

import widthwise
from widthwise.errors import StorageError
from widthwise.report.pipeline import store_curves
from widthwise.run import execute
from widthwise.store import (
    Lock,
    ObjectPath,
    check_run,
    merge_runs,
    objects,
    patience,
    read_journal,
    run_path,
    tree_hash,
)
from widthwise.store.owner import this_process

DRIVER = """
import sys
from run_fakes import slow, tiny_spec
from widthwise.run import execute
from widthwise.store import run_path
execute(tiny_spec(), run_path(sys.argv[1]), address="inline", measure=slow)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Failing]:
    with s3_server("runs") as failing:
        yield failing


@pytest.fixture
def path(server: Failing) -> Iterator[ObjectPath]:
    place = run_path(f"s3://runs/{uuid.uuid4().hex}/a.run")
    assert isinstance(place, ObjectPath)
    yield place
    server.recover()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("s3") / "whole.run"
    execute(tiny_spec(), path, address="inline", measure=numbers)
    return path


def test_a_run_has_the_bits_of_a_local_one_and_is_resumed(path: ObjectPath, whole: Path) -> None:
    first = execute(tiny_spec(), path, address="inline", measure=numbers)
    assert first.computed_blocks == BLOCKS
    assert tree_hash(path) == tree_hash(whole)
    assert check_run(path) == []
    versions = {str(file): file.version() for file in path.rglob("*")}
    assert execute(tiny_spec(), path, address="inline", measure=numbers).computed_blocks == 0
    assert {str(file): file.version() for file in path.rglob("*")} == versions
    store_curves(path)
    local = widthwise.reduce(whole)[0]
    assert widthwise.open(str(path))["curves"].to_dataset().equals(local)
    chunk = next(file for file in (path / "results.zarr/trials/nngp/c").rglob("*"))
    data = bytearray(chunk.read_bytes())
    data[20] ^= 1
    chunk.write_bytes(bytes(data))
    assert check_run(path) != []
    assert execute(tiny_spec(), path, address="inline", measure=numbers).computed_blocks == 1
    assert tree_hash(path) == tree_hash(whole)


@pytest.mark.slow
def test_a_killed_driver_leaves_nothing_in_the_way(path: ObjectPath, whole: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    with subprocess.Popen([sys.executable, "-c", DRIVER, str(path)], env=environment) as driver:
        try:
            end = time.monotonic() + 120
            while len(read_journal(path)) < 2:
                assert time.monotonic() < end
                assert driver.poll() is None
                time.sleep(0.05)
            with pytest.raises(StorageError, match=f"being written by pid {driver.pid}"):
                execute(tiny_spec(), path, address="inline", measure=numbers)
        finally:
            driver.send_signal(signal.SIGKILL)
    there = len(read_journal(path))
    assert 2 <= there < BLOCKS
    again = execute(tiny_spec(), path, address="inline", measure=numbers)
    assert (again.skipped_blocks, again.computed_blocks) == (there, BLOCKS - there)
    assert tree_hash(path) == tree_hash(whole)
    assert check_run(path) == []


@pytest.mark.slow
def test_runs_of_two_seeds_are_merged_across_places(path: ObjectPath, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(6.0).reshape(2, 3) - 2)
    data = {"source": "file", "path": str(tmp_path / "x.npy")}
    for seed, place in ((1, path), (2, tmp_path / "b.run")):
        execute(tiny_spec(seed=seed, data=data), place, address="inline", measure=numbers)
    there = merge_runs([path, tmp_path / "b.run"], path.parent / "c.run")
    here = merge_runs([path, tmp_path / "b.run"], tmp_path / "c.run")
    assert tree_hash(there.path) == tree_hash(here.path)
    assert check_run(there.path) == []
    assert int(widthwise.open(there.path)["trials"]["trial_count"].sum()) == 48


@pytest.mark.parametrize("obey", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_store_that_is_away_for_a_while_is_waited_for(
    server: Failing, path: ObjectPath, whole: Path, obey: bool
) -> None:
    """Answers of 503 and of 429, to requests that were obeyed or not: no put does harm when it is repeated."""
    execute(tiny_spec(), path, address="inline", measure=numbers)
    for status in ("503 Service Unavailable", "429 Too Many Requests"):
        for file in (path / "results.zarr/trials/nngp/c").rglob("*"):
            file.unlink()
        server.fail(status, 5, code="SlowDown", methods="PUT", obey=obey)
        execute(tiny_spec(), path, address="inline", measure=numbers)
        assert server.times == 0
        assert tree_hash(path) == tree_hash(whole)


@pytest.mark.slow
def test_a_store_that_stays_away_is_one_line_and_resumable(
    server: Failing, path: ObjectPath, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(objects, "IMPATIENCE_SECONDS", 1.0)
    forget()
    execute(tiny_spec(), path, address="inline", measure=numbers)
    for file in (path / "results.zarr/trials/nngp/c").rglob("*"):
        file.unlink()
    server.fail("503 Service Unavailable", float("inf"), code="SlowDown", methods="PUT")
    started = time.monotonic()
    with pytest.raises(StorageError, match=r"s3://.*503 .*SlowDown.*run the same command again") as caught:
        execute(tiny_spec(), path, address="inline", measure=numbers)
    assert time.monotonic() - started > 1.0
    assert "\n" not in str(caught.value)
    server.recover()
    (path / "run.lock").unlink()
    execute(tiny_spec(), path, address="inline", measure=numbers)
    assert tree_hash(path) == tree_hash(whole)
    forget()


@pytest.mark.parametrize(
    ("status", "code"), [("403 Forbidden", "InvalidAccessKeyId"), ("400 Bad Request", "ExpiredToken")]
)
def test_expired_credentials_are_told_at_once(server: Failing, path: ObjectPath, status: str, code: str) -> None:
    server.fail(status, float("inf"), code=code)
    with pytest.raises(StorageError, match=r"set valid credentials \(AWS_"):
        execute(tiny_spec(), path, address="inline", measure=numbers)
    assert server.times == float("inf")
    server.recover()
    assert execute(tiny_spec(), path, address="inline", measure=numbers).computed_blocks == BLOCKS


def test_a_bucket_that_is_not_there_is_one_line(server: Failing) -> None:
    with pytest.raises(StorageError, match=r"\(NoSuchBucket\); make s3://nowhere or choose another --out"):
        execute(tiny_spec(), run_path("s3://nowhere/a.run"), address="inline", measure=numbers)


def test_a_lock_is_taken_over_by_one_of_two(path: ObjectPath) -> None:
    with Lock(path), pytest.raises(StorageError, match="being written by"), Lock(path):
        pass
    me, lock = this_process(), path / "run.lock"
    old = lock.version()
    assert old is None
    assert lock.replace(b"first", None)
    assert not lock.replace(b"second", None)
    seen = lock.version()
    assert seen is not None
    assert lock.replace(b"third", seen)
    assert not lock.replace(b"fourth", seen)
    assert lock.read_bytes() == b"third"
    with Lock(path):
        assert str(me.pid).encode() in lock.read_bytes()
