"""workplace: from an address to a place where workers can be started."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

import torch

from widthwise.errors import SpecError
from widthwise.run.executor import Executor
from widthwise.run.executor_inline import InlineExecutor
from widthwise.run.executor_ray import RayExecutor, connected, places
from widthwise.run.interrupts import Interrupts
from widthwise.run.station import Job
from widthwise.spec import Numerics

ADDRESSES = ("local", "auto", "inline")
"""A Ray of our own, a running cluster, this process."""


def require_address(address: str, workers: int | None) -> None:
    """Refuse what `workplace` does not know.

    Raises:
        SpecError: names the argument, its value and what is allowed.
    """
    if address not in ADDRESSES:
        message = f"address: {address!r} is not known; allowed: {', '.join(ADDRESSES)}"
        raise SpecError(message)
    if workers is not None and workers < 1:
        message = f"workers: {workers} is below 1; leave it out to use what there is"
        raise SpecError(message)


@contextmanager
def workplace(
    address: str, numerics: Numerics, *, workers: int, interrupts: Interrupts
) -> Generator[Callable[[Job], Executor]]:
    """Be ready for at most ``workers`` workers; gives what turns a job into their executor, and ends what it started.

    Raises:
        ClusterError: Ray cannot be reached or started, or has no room for a worker.
    """
    if address == "inline":
        yield InlineExecutor
        return
    # An exception out of a signal handler, in the middle of a call of Ray, would leave Ray in an unknown state.
    with interrupts.deferred(), connected(address, cpus=workers * numerics.threads), ExitStack() as stack:
        interrupts.install()
        if interrupts.error is not None:
            raise interrupts.error
        count = places(numerics, workers)

        def hire(job: Job) -> Executor:
            executor = RayExecutor(job, workers=count)
            stack.callback(executor.close)
            return executor

        yield hire


def workers_here(numerics: Numerics) -> int:
    """How many workers this machine holds: one per GPU, or one per ``threads`` CPUs that we may use."""
    if numerics.device == "cuda":
        return max(torch.cuda.device_count(), 1)
    return max(len(os.sched_getaffinity(0)) // numerics.threads, 1)
