"""connected: a Ray of our own, or a running cluster, for as long as a run takes."""

import importlib
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import ray

from widthwise.errors import ClusterError
from widthwise.plan import usable_bytes
from widthwise.run.on_ray.addresses import cluster_address
from widthwise.run.on_ray.need import Need
from widthwise.run.on_ray.nodes import look
from widthwise.run.on_ray.probe import require_reachable
from widthwise.run.on_ray.settings import own_settings, settings

_OBJECT_STORE_BYTES = 256 << 20  # results are small; only the job passes through it, and Ray spills what is larger


@contextmanager
def connected(address: str, *, cpus: int) -> Generator[None]:
    """Be connected to Ray: one of our own with ``cpus`` CPUs (``local``), or a running cluster (any other address).

    A Ray that this process is connected to already is used and left as it is.

    Raises:
        ClusterError: the cluster cannot be joined, or Ray cannot start here.
    """
    if ray.is_initialized():
        yield
    elif address == "local":
        with _own_ray(cpus):
            yield
    else:
        where = cluster_address(address)
        require_reachable(where)
        try:
            _init(where, {})
            yield
        finally:
            ray.shutdown()


def places(need: Need, shards: int, wanted: int) -> int:
    """How many workers the Ray we are connected to can hold at once, at most ``wanted``, each of ``shards`` members.

    Raises:
        ClusterError: not even one.
    """
    offered = sum(need.fit(node.total) for node in look()) // shards
    if offered < 1:
        resources = ray.cluster_resources()
        message = (
            f"Ray offers {resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs, a worker needs "
            f"{need.cpus * shards} and {need.gpus * shards:g}; lower numerics.threads or choose another device"
        )
        raise ClusterError(message)
    return min(wanted, offered)


@contextmanager
def _own_ray(cpus: int) -> Generator[None]:
    directory = tempfile.mkdtemp(prefix="ww-", dir="/tmp")  # short: the path of a socket may have 107 bytes
    options = {
        "num_cpus": cpus,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_memory": usable_bytes(),
        "_temp_dir": directory,
    }
    try:
        with settings(own_settings()):
            try:
                _init("local", options)
                _end_autoscaler()
                yield
            finally:
                ray.shutdown()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _init(address: str, options: Mapping[str, Any]) -> None:
    worker: Any = importlib.import_module("ray._private.worker")
    utils: Any = importlib.import_module("ray._private.utils")
    # Ray prints news of dead workers to stdout, which is for results: what matters in them is in our own messages.
    worker._worker_logs_enabled = False
    # Ray answers SIGTERM by an exception wherever it is, which aborts the process in the middle of `ray.init`.
    take_sigterm, utils.set_sigterm_handler = utils.set_sigterm_handler, lambda handler: None
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, **options)
    except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
        text = " ".join(str(error).split())
        message = f"address: {address!r} cannot be reached or started ({text}); try inline, or see `widthwise doctor`"
        raise ClusterError(message) from error
    finally:
        utils.set_sigterm_handler = take_sigterm


def _end_autoscaler() -> None:
    """A Ray of our own has nothing to scale, and its autoscaler makes `ray.shutdown` wait a second for it."""
    worker: Any = importlib.import_module("ray._private.worker")
    for monitor in worker._global_node.all_processes.get("monitor", []):
        monitor.process.kill()
        monitor.process.wait()
