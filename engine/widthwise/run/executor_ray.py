"""RayExecutor: one Ray actor per worker, on a Ray of its own or on a running cluster; the only file that knows Ray."""

import importlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import ray
import torch
from ray.exceptions import RayError

from widthwise.errors import ClusterError
from widthwise.plan.units import Unit
from widthwise.run.messages import Event, WorkerLost
from widthwise.run.pages import keep_freed_pages
from widthwise.run.station import Job, Station
from widthwise.spec import Numerics

_LOCAL_ENVIRONMENT: Mapping[str, str] = {
    "RAY_AUTH_MODE": "token",
    # One per process, since Ray keeps the first it sees; its default is a file in HOME, which may be read-only.
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_USAGE_STATS_ENABLED": "0",
    # Despite its name: with 0 every process of Ray binds to the loopback interface only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
_OBJECT_STORE_BYTES = 256 << 20  # results are small; only the job passes through it, and Ray spills what is larger


class _Actor:
    """A station in a process of its own."""

    def __init__(self, job: Job, worker: int) -> None:
        torch.set_num_interop_threads(1)
        keep_freed_pages()
        self._station = Station(job, worker)

    def open(self) -> Event:
        return self._station.open()

    def compute(self, unit: Unit, attempt: int) -> Event:
        return self._station.compute(unit, attempt)


class RayExecutor:
    """Actors that Ray neither restarts nor retries by itself: the coordinator counts the attempts.

    They belong to this process and end with it, even when it is killed.
    """

    def __init__(self, job: Job, *, workers: int) -> None:
        """``workers`` places on the Ray that this process is connected to."""
        numerics = job.spec.numerics
        self.workers = workers
        self._job = ray.put(job)
        self._actor_class: Any = ray.remote(
            num_cpus=numerics.threads,
            num_gpus=1 if numerics.device == "cuda" else 0,
            max_restarts=0,
            max_task_retries=0,
            runtime_env={"env_vars": _worker_environment(numerics.threads)},
        )(_Actor)
        self._actors: dict[int, Any] = {}
        self._calls: dict[ray.ObjectRef[Event], int] = {}

    def start(self, worker: int) -> None:
        """Ask Ray for an actor, and the actor to open its station."""
        self._actors[worker] = self._actor_class.remote(self._job, worker)
        self._calls[self._actors[worker].open.remote()] = worker

    def assign(self, worker: int, unit: Unit, attempt: int) -> None:
        """Queue a unit with the actor."""
        self._calls[self._actors[worker].compute.remote(unit, attempt)] = worker

    def kill(self, worker: int) -> None:
        """End the actor's process and forget its calls."""
        ray.kill(self._actors.pop(worker), no_restart=True)
        self._calls = {call: place for call, place in self._calls.items() if place != worker}

    def poll(self, seconds: float) -> Sequence[Event]:
        """The first answer that has come back; one at a time, since what follows from it may concern the next."""
        ready, _ = ray.wait(list(self._calls), num_returns=1, timeout=seconds)
        return [self._answer(call) for call in ready]

    def close(self) -> None:
        """End every actor."""
        for worker in list(self._actors):
            self.kill(worker)

    def _answer(self, call: "ray.ObjectRef[Event]") -> Event:
        worker = self._calls.pop(call)
        try:
            return ray.get(call)
        except RayError as error:
            self.kill(worker)
            return WorkerLost(worker=worker, reason=_reason(error))


@contextmanager
def connected(address: str, *, cpus: int) -> Generator[None]:
    """Be connected to Ray: one of our own with ``cpus`` CPUs (``local``), or a running cluster (``auto``).

    A Ray that this process is connected to already is used and left as it is.

    Raises:
        ClusterError: no cluster is running, or Ray cannot start here.
    """
    if ray.is_initialized():
        yield
        return
    with _own_options(cpus) if address == "local" else nullcontext[dict[str, Any]]({}) as options:
        try:
            _init(address, options)
            if address == "local":
                _end_autoscaler()
            yield
        finally:
            ray.shutdown()


def places(numerics: Numerics, wanted: int | None) -> int:
    """How many workers the Ray we are connected to can hold at once, at most ``wanted``.

    Raises:
        ClusterError: not even one.
    """
    resources = ray.cluster_resources()
    offered = int(resources.get("CPU", 0)) // numerics.threads
    if numerics.device == "cuda":
        offered = min(offered, int(resources.get("GPU", 0)))
    if offered < 1:
        message = (
            f"Ray offers {resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs, a worker needs "
            f"{numerics.threads} and {int(numerics.device == 'cuda')}; lower numerics.threads or choose another device"
        )
        raise ClusterError(message)
    return offered if wanted is None else min(wanted, offered)


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


@contextmanager
def _own_options(cpus: int) -> Generator[dict[str, Any]]:
    directory = tempfile.mkdtemp(prefix="ww-", dir="/tmp")  # short: the path of a socket may have 107 bytes
    found = {key: os.environ.get(key) for key in _LOCAL_ENVIRONMENT}
    _set_environment(_LOCAL_ENVIRONMENT)
    try:
        yield {
            "num_cpus": cpus,
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_temp_dir": directory,
        }
    finally:
        _set_environment(found)
        shutil.rmtree(directory, ignore_errors=True)


def _set_environment(variables: Mapping[str, str | None]) -> None:
    """Set or remove variables of Ray, and let Ray read them again: in this process it did so when it was imported."""
    for key, value in variables.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    constants: Any = importlib.import_module("ray._private.ray_constants")
    variable, default = constants.ENABLE_RAY_CLUSTERS_ENV_VAR, not constants.IS_WINDOWS_OR_OSX
    constants.ENABLE_RAY_CLUSTER = constants.env_bool(variable, default)
    core: Any = importlib.import_module("ray._raylet")
    core.Config.initialize("")


def _worker_environment(threads: int) -> dict[str, str]:
    """Workers find what this process can import, installed or not, and every library uses ``threads`` threads."""
    own = [path for path in sys.path if path and not path.startswith((sys.prefix, sys.base_prefix))]
    return {
        "PYTHONPATH": os.pathsep.join(own),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }


def _reason(error: RayError) -> str:
    """The last line of Ray's message, which says why, without its list of guesses."""
    return str(error).strip().splitlines()[-1].split(" Some common causes")[0].strip()
