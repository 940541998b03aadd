"""workplace: from an address to a place where workers can be started."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch

from widthwise.errors import SpecError
from widthwise.run.executor import Executor
from widthwise.run.executor_inline import InlineExecutor
from widthwise.run.interrupts import Interrupts
from widthwise.run.on_ray import RayExecutor, connected, is_cluster, need_of, places
from widthwise.run.station import Job
from widthwise.spec import Numerics
from widthwise.store import ObjectPath, RunPath

HERE = ("local", "inline")
"""A Ray of our own and this process; every other address is one of a running cluster."""


def require_address(address: str, workers: int | None, shards: int = 1, gpus_per_worker: float = 1.0) -> None:
    """Refuse what `workplace` does not know.

    Raises:
        SpecError: names the argument, its value and what is allowed.
    """
    if address not in HERE and not is_cluster(address):
        message = f"address: {address!r} is not known; allowed: local, auto, inline, HOST:PORT, ray://HOST:PORT"
        raise SpecError(message)
    if workers is not None and workers < 1:
        message = f"workers: {workers} is below 1; leave it out to use what there is"
        raise SpecError(message)
    if shards < 1:
        message = f"shards: {shards} is below 1; leave it out to compute every replicate in one process"
        raise SpecError(message)
    if not 0 < gpus_per_worker <= 1:
        message = f"gpus_per_worker: {gpus_per_worker:g} is not above 0 and at most 1, the part of a GPU of one worker"
        raise SpecError(message)


def require_shared(path: RunPath, address: str) -> None:
    """Refuse a place that workers in other processes cannot see.

    Raises:
        SpecError: names the place and what to do.
    """
    if address != "inline" and isinstance(path, ObjectPath) and path.root.startswith("memory://"):
        message = f"{path}: is in the memory of this process only; run it with --address inline, or change --out"
        raise SpecError(message)


@contextmanager
def workplace(
    address: str,
    numerics: Numerics,
    *,
    workers: int,
    shards: int,
    gpus_per_worker: float,
    interrupts: Interrupts,
) -> Generator[Callable[[Job], Executor]]:
    """Be ready for at most ``workers`` workers; gives what turns a job into their executor, and ends what it started.

    Raises:
        ClusterError: Ray cannot be reached or started, or has no room for a worker.
    """
    if address == "inline":
        yield partial(InlineExecutor, shards=shards)
        return
    # An exception out of a signal handler, in the middle of a call of Ray, would leave Ray in an unknown state.
    cpus = workers * shards * numerics.threads
    with interrupts.deferred(), connected(address, cpus=cpus), ExitStack() as stack:
        interrupts.install()
        if interrupts.error is not None:
            raise interrupts.error
        count = places(need_of(numerics, gpus_per_worker), shards, workers)

        def hire(job: Job) -> Executor:
            executor = RayExecutor(job, workers=count, shards=shards, gpus_per_worker=gpus_per_worker)
            stack.callback(executor.close)
            return executor

        yield hire


def workers_here(numerics: Numerics, gpus_per_worker: float = 1.0) -> int:
    """How many workers this machine holds: as many as have their part of a GPU, or ``threads`` CPUs that we may use."""
    if numerics.device == "cuda":
        return max(torch.cuda.device_count() * int(1 / gpus_per_worker), 1)
    return max(len(os.sched_getaffinity(0)) // numerics.threads, 1)
