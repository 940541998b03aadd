"""A driver in a process of its own that is really killed: nothing stays behind, a resume computes the rest."""

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ray_clusters import command_of, wait_until
from run_fakes import BLOCKS, numbers, tiny_spec

from widthwise.run import execute
from widthwise.store import check_run, read_journal, tree_hash

DRIVER = """
import sys
from pathlib import Path
from run_fakes import slow, tiny_spec
from widthwise.errors import WidthwiseError
from widthwise.run import execute
try:
    execute(tiny_spec(), Path(sys.argv[1]), address=sys.argv[2], workers=2, measure=slow, resume_command="again")
except WidthwiseError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Driver:
    """A driver and every process below it, recognised by a variable that they inherit; ``folders`` are Ray's."""

    def __init__(self, path: Path, address: str) -> None:
        self._mark = uuid.uuid4().hex
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)]),
            "WIDTHWISE_TEST": self._mark,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(path), address], env=environment, stderr=subprocess.PIPE, text=True
        )
        self._path = path
        self.folders: set[str] = set()

    def family(self) -> list[int]:
        """Every living process that this driver is or has started."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)]

    def workers(self) -> list[int]:
        """Those that compute, and those that would start more; two agents of Ray need another minute to notice."""
        return [pid for pid in self.family() if not re.match(r"ray::(Dashboard|RuntimeEnv)Agent", command_of(pid))]

    def wait_for_first_block(self) -> None:
        """Until something is stored and something is left to do."""
        wait_until(lambda: bool(self._path.exists() and read_journal(self._path)))
        assert self.process.poll() is None
        self.folders = {folder for pid in self.family() for folder in re.findall(r"/tmp/ww-\w+", command_of(pid))}

    def remove(self) -> None:
        """End what a failed test leaves, and the sockets of a Ray that could not clean up after itself."""
        for pid in self.family():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
        wait_until(lambda: not self.family())
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            return self._mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False


@pytest.fixture
def whole(tmp_path: Path) -> str:
    execute(tiny_spec(), tmp_path / "whole.run", address="inline", measure=numbers)
    return tree_hash(tmp_path / "whole.run")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Driver]]:
    started: list[Driver] = []

    def start_one(address: str) -> Driver:
        started.append(Driver(tmp_path / "a.run", address))
        return started[-1]

    yield start_one
    for driver in started:
        driver.remove()


def test_kill_9_of_the_driver_leaves_no_process_and_only_the_rest_is_computed(
    tmp_path: Path, whole: str, start: Callable[[str], Driver]
) -> None:
    path = tmp_path / "a.run"
    driver = start("local")
    driver.wait_for_first_block()
    assert len(driver.workers()) > 3
    driver.process.kill()
    driver.process.wait()
    wait_until(lambda: not driver.workers())
    there = len(read_journal(path))
    assert 0 < there < BLOCKS
    outcome = execute(tiny_spec(), path, address="local", workers=1, measure=numbers)
    assert (outcome.computed_blocks, outcome.skipped_blocks) == (BLOCKS - there, there)
    assert tree_hash(path) == whole
    assert check_run(path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_driver_and_its_workers_and_says_how_to_resume(
    tmp_path: Path, whole: str, start: Callable[[str], Driver], number: signal.Signals
) -> None:
    path = tmp_path / "a.run"
    driver = start("local" if number == signal.SIGTERM else "inline")
    driver.wait_for_first_block()
    driver.process.send_signal(number)
    assert driver.process.wait() == 75
    assert driver.process.stderr is not None
    errors = driver.process.stderr.read()
    assert errors == f"stopped by {number.name}; all finished blocks are stored; resume with: again\n"
    wait_until(lambda: not driver.family())
    there = len(read_journal(path))
    assert 0 < there < BLOCKS
    assert execute(tiny_spec(), path, address="inline", measure=numbers).computed_blocks == BLOCKS - there
    assert tree_hash(path) == whole
