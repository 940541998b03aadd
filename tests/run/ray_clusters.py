"""A Ray cluster of several nodes on this machine, on the loopback interface and with a token, for tests to break."""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster
from ray.core.generated import autoscaler_pb2

from widthwise.run.on_ray.settings import own_settings, settings

PATIENCE = 240.0
STORE_BYTES = 80 << 20
NOTICED_SOON = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 2000,
    "health_check_failure_threshold": 3,
}
"""A dead node is noticed within two seconds, not twenty."""


class Nodes:
    """A head without processors, and nodes of one each; every process of it carries a mark in its environment."""

    def __init__(self, count: int, folder: str, mark: str, **head: object) -> None:
        self._mark = mark
        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "temp_dir": folder,
                "_system_config": NOTICED_SOON,
                **head,
            },
        )
        self.address = str(self._cluster.address)
        self.client = f"ray://127.0.0.1:{head.get('ray_client_server_port')}"
        self.living: list[Any] = []
        self.add(count)

    def add(self, count: int = 1, **options: object) -> None:
        """Let nodes join."""
        for _ in range(count):
            wanted: dict[str, Any] = {"num_cpus": 1, "object_store_memory": STORE_BYTES, **options}
            self.living.append(self._cluster.add_node(wait=False, **wanted))
        self._cluster.wait_for_nodes(timeout=PATIENCE)

    def kill(self, index: int) -> None:
        """End all processes of a node, the one that would report it first."""
        node = self.living.pop(index)
        self._cluster.worker_nodes.remove(node)
        os.kill(node.all_processes["raylet"][0].process.pid, signal.SIGKILL)
        node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)

    def drain(self, index: int) -> None:
        """Announce that a node will go."""
        head = self._cluster.head_node.get_gcs_client()
        reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        deadline = int((time.time() + PATIENCE) * 1000)
        accepted, why = head.drain_node(self.living[index].node_id, reason, "a test", deadline)
        assert accepted, why

    def claim_version(self, ray_version: str) -> str:
        """Let the head say that it runs another version of Ray; gives the one it said before."""
        head = self._cluster.head_node.get_gcs_client()
        found = json.loads(head.internal_kv_get(b"CLUSTER_METADATA", b"cluster"))
        told = json.dumps(found | {"ray_version": ray_version}).encode()
        head.internal_kv_put(b"CLUSTER_METADATA", told, True, b"cluster")
        return str(found["ray_version"])

    def workers(self) -> list[int]:
        """Processes that compute units."""
        return [pid for pid in self.family() if command_of(pid).startswith("ray::Member")]

    def family(self) -> list[int]:
        """Every living process of the cluster and of its drivers."""
        return [pid for pid in pids() if pid != os.getpid() and self._is_ours(pid)]

    def close(self) -> None:
        """End everything."""
        self._cluster.shutdown()
        for pid in self.family():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.family())

    def _is_ours(self, pid: int) -> bool:
        try:
            return self._mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False


@contextmanager
def cluster(count: int, **head: object) -> Iterator[Nodes]:
    """A cluster with ``count`` nodes beside its head. Drivers that start within find its token in the environment."""
    folder, mark = tempfile.mkdtemp(prefix="wwt-", dir="/tmp"), uuid.uuid4().hex
    (Path(folder) / "ray").mkdir()
    marked = {**own_settings(), "RAY_TMPDIR": folder, "WIDTHWISE_TEST": mark, "RAY_ADDRESS": None}
    marked["PYTHONPATH"] = driver_environment()["PYTHONPATH"]  # the server of outside drivers reads what they send
    try:
        with settings(marked):
            nodes = Nodes(count, folder, mark, **head)
            try:
                yield nodes
            finally:
                nodes.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def driver_environment() -> dict[str, str]:
    """What a driver in a process of its own needs to find these modules."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}


def pids() -> Sequence[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "nothing happened for four minutes"
        time.sleep(0.05)
