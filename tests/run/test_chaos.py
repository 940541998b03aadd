"""Chaos: workers, a node and the driver are killed at random; in the end not one bit is missing or different."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray_clusters import Nodes, cluster, driver_environment, wait_until
from run_fakes import chaos_spec, numbers

from widthwise.run import execute
from widthwise.store import check_run, read_journal, tree_hash

DRIVER = """
import sys
from functools import partial
from pathlib import Path
from run_fakes import chaos_spec, held
from widthwise.errors import WidthwiseError
from widthwise.run import execute
try:
    out, measure = Path(sys.argv[1]), partial(held, Path(sys.argv[3]))
    outcome = execute(chaos_spec(), out, address=sys.argv[2], workers=3, measure=measure)
except WidthwiseError as error:
    sys.exit(f"{type(error).__name__}: {error}")
sys.exit("; ".join(quarantine.error for quarantine in outcome.quarantined) or 0)
"""
BLOCKS = 100
WORKERS_KILLED = 3


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with cluster(2, num_cpus=1) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("inline") / "a.run"
    assert execute(chaos_spec(), path, address="inline", measure=numbers).computed_blocks == BLOCKS
    return tree_hash(path)


class Chaos:
    """A driver in a process of its own, and what happens to it and to its workers when so many blocks are stored."""

    def __init__(self, nodes: Nodes, path: Path, seed: int) -> None:
        self._nodes = nodes
        self._path = path
        self._hold = path.with_name("hold")
        self._random = random.Random(seed)
        actions = [self._kill_worker] * WORKERS_KILLED + [self._kill_node, self._kill_driver]
        whens = self._random.sample(range(5, BLOCKS - 45), len(actions))
        self._random.shuffle(actions)
        self._plan: list[tuple[int, Callable[[], None]]] = sorted(zip(whens, actions, strict=True), key=lambda p: p[0])
        self.happened: list[str] = []

    def run(self) -> None:
        """Until the driver has ended by itself."""
        self._start()
        for blocks, action in self._plan:
            wait_until(lambda blocks=blocks: self._stored() >= blocks or self._driver.poll() is not None)
            assert self._driver.poll() is None, self._said()
            self._hold.touch()  # on a quick machine all would be over before a node is replaced
            action()
            self._hold.unlink()
        _, errors = self._driver.communicate(timeout=240)
        assert self._driver.returncode == 0, errors

    def end(self) -> None:
        """Leave nothing."""
        self._driver.kill()
        self._driver.communicate()

    def _start(self) -> None:
        self._driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self._path), self._nodes.address, str(self._hold)],
            env=driver_environment(),
            stderr=subprocess.PIPE,
            text=True,
        )

    def _said(self) -> str:
        return self._driver.communicate()[1]

    def _stored(self) -> int:
        return len(read_journal(self._path)) if self._path.exists() else 0

    def _kill_worker(self) -> None:
        wait_until(lambda: bool(self._nodes.workers()))
        os.kill(self._random.choice(sorted(self._nodes.workers())), signal.SIGKILL)
        self.happened.append("worker")

    def _kill_node(self) -> None:
        self._nodes.kill(self._random.randrange(len(self._nodes.living)))
        self._nodes.add()
        self.happened.append("node")

    def _kill_driver(self) -> None:
        self._driver.kill()
        self._driver.communicate()
        self.happened.append("driver")
        wait_until(lambda: not self._nodes.workers())
        self._start()


def _survive(nodes: Nodes, path: Path, seed: int, whole: str) -> None:
    chaos = Chaos(nodes, path, seed)
    try:
        chaos.run()
    finally:
        chaos.end()
    assert sorted(chaos.happened) == ["driver", "node", *["worker"] * WORKERS_KILLED]
    assert tree_hash(path) == whole
    assert check_run(path) == []
    wait_until(lambda: not nodes.workers())


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_survives_the_death_of_workers_a_node_and_its_driver(
    nodes: Nodes, tmp_path: Path, whole: str, seed: int
) -> None:
    _survive(nodes, tmp_path / "a.run", seed, whole)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3, 23))
def test_twenty_more_runs_survive(nodes: Nodes, tmp_path: Path, whole: str, seed: int) -> None:
    _survive(nodes, tmp_path / "a.run", seed, whole)
