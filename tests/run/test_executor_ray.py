"""Workers in processes of their own: the same bytes as in this one, and real deaths of them."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import ray
from run_fakes import (
    BLOCKS,
    POISON,
    deadly,
    deadly_once,
    hanging_once,
    numbers,
    poisoned,
    tiny_spec,
)

from widthwise.errors import ClusterError
from widthwise.plan import Series
from widthwise.run import execute
from widthwise.run.canary import canary
from widthwise.run.claim import claimed
from widthwise.run.coordinator import Coordinator, Limits
from widthwise.run.interrupts import Interrupts
from widthwise.run.loop import run_units
from widthwise.run.on_ray import Need, RayExecutor, connected, places
from widthwise.run.request import request
from widthwise.run.station import Job
from widthwise.run.survey import survey
from widthwise.store import read_journal, tree_hash


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    with connected("local", cpus=2):
        yield


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("inline") / "a.run"
    execute(tiny_spec(), path, address="inline", measure=numbers)
    return tree_hash(path)


@pytest.mark.parametrize("workers", [1, 2])
def test_real_kernels_have_the_bytes_of_an_inline_run(tmp_path: Path, workers: int) -> None:
    spec = tiny_spec(experiment="ntk")
    hashes: set[str] = set()
    for address in ("inline", "local"):
        outcome = execute(spec, tmp_path / address, address=address, workers=workers)
        assert outcome.computed_blocks == BLOCKS
        hashes.add(tree_hash(tmp_path / address))
    assert len(hashes) == 1


def test_a_worker_that_is_killed_is_replaced_and_its_unit_computed_again(tmp_path: Path, expected: str) -> None:
    path = tmp_path / "a.run"
    failures: list[int] = []
    outcome = execute(
        tiny_spec(),
        path,
        workers=2,
        measure=partial(deadly_once, tmp_path / "marker"),
        on_progress=lambda progress: failures.append(progress.failures),
    )
    assert (tmp_path / "marker").exists()
    assert failures[-1] == 1
    assert (outcome.computed_blocks, outcome.quarantined) == (BLOCKS, ())
    assert tree_hash(path) == expected


def test_a_unit_that_kills_every_worker_is_given_up_and_the_others_are_stored(tmp_path: Path) -> None:
    outcome = execute(tiny_spec(), tmp_path / "a.run", workers=1, measure=deadly)
    (quarantine,) = outcome.quarantined
    assert quarantine.attempts == 3
    assert "worker process has died" in quarantine.error
    assert "\n" not in quarantine.error
    assert outcome.computed_blocks == BLOCKS - len(quarantine.unit.blocks)
    assert POISON not in read_journal(tmp_path / "a.run")


def test_an_exception_of_a_unit_leaves_its_worker_alive(tmp_path: Path) -> None:
    outcome = execute(tiny_spec(), tmp_path / "a.run", workers=1, measure=poisoned)
    (quarantine,) = outcome.quarantined
    assert quarantine.error.startswith("FloatingPointError: a line and another (run_fakes.py:")
    assert len(list((tmp_path / "a.run" / "journal").iterdir())) == 1


def test_a_worker_that_hangs_is_killed_and_replaced(tmp_path: Path) -> None:
    found = survey(request(tiny_spec()), tmp_path / "a.run", extend=False, fresh=False)
    series = [Series(span, 1, 0.01, 1) for span in found.missing]
    with claimed(found, fresh=False) as run:
        job = Job(
            path=run.path,
            spec=found.asked.spec,
            inputs=found.asked.inputs,
            layout=run.layout,
            canary=canary(device="cpu", threads=1),
            allow_mixed=False,
            measure=partial(hanging_once, tmp_path / "marker"),
        )
        coordinator = Coordinator(series, workers=1, limits=Limits(hang_seconds=2.0))
        executor = RayExecutor(job, workers=1)
        run_units(coordinator, executor, Interrupts(None), lambda event: None)
        executor.close()
    assert (coordinator.ledger.done_blocks, coordinator.ledger.failures, coordinator.ledger.quarantined) == (
        BLOCKS,
        1,
        [],
    )


def test_ray_listens_on_the_loopback_interface_only() -> None:
    (node,) = ray.nodes()
    assert node["NodeManagerAddress"] == "127.0.0.1"
    mine = {pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is_below(pid, os.getpid())}
    assert len(mine) > 2
    listening = {address for pid in mine for address in _listening(pid)}
    assert listening
    assert all(re.fullmatch(r"0100007F|0000000000000000FFFF00000100007F", address) for address in listening)


def test_no_token_is_left_in_a_file() -> None:
    token = os.environ["RAY_AUTH_TOKEN"]
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert len(token) == 64
    assert not (Path.home() / ".ray" / "auth_token").exists()


def test_a_worker_with_more_threads_than_there_are_processors_is_refused() -> None:
    with pytest.raises(
        ClusterError, match=r"Ray offers 2 CPUs and 0 GPUs, a worker needs 3 and 0; lower numerics\.threads"
    ):
        places(Need(cpus=3), 1, 9)
    assert places(Need(cpus=1), 1, 1) == 1
    assert places(Need(cpus=1), 1, 9) == 2
    assert places(Need(cpus=1), 2, 9) == 1


def _is_below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return False


def _listening(pid: int) -> list[str]:
    """Hexadecimal addresses on which a process accepts connections."""
    inodes: set[str] = set()
    with suppress(OSError):  # the process has just ended, or closed a file
        for link in Path(f"/proc/{pid}/fd").iterdir():
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
            inodes |= {found[1]} if found else set()
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]
