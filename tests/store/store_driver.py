"""What the tests of the store share: small layouts, made-up measurements, a driver, and ways to die."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from widthwise import store
from widthwise.experiments.experiment import Readout
from widthwise.plan.units import Block
from widthwise.store import Axis, Layout, RunRecord

EVERY_GROUP = (*store.PRIMARY, "curves", "verdicts")


def readout(name: str, *shape: int) -> Readout:
    return Readout(
        name=name,
        dims=tuple(f"{name}_{axis}" for axis in range(len(shape))),
        shape=shape,
        long_name=f"the {name}",
        description=f"what {name} means",
        source="made up",
    )


LAYOUT = Layout(
    axes=(Axis(name="model.activation", values=("erf", "relu")), Axis(name="model.depth", values=(1, 2, 3))),
    widths=(64, 16),
    trials=(6, 4),
    microbatch=4,
    replicates=2,
    readouts=(readout("kernel", 2, 3), readout("loss")),
    exact=True,
)
"""Two axes, widths out of order, trials that are no whole number of microbatches, a matrix and a number."""

TINY = Layout(
    axes=(),
    widths=(64,),
    trials=(4,),
    microbatch=4,
    replicates=1,
    readouts=(readout("loss"),),
    exact=False,
)

LARGER = Layout(
    axes=(),
    widths=(16, 64),
    trials=(4, 6),
    microbatch=4,
    replicates=2,
    readouts=TINY.readouts,
    exact=False,
)
"""An extension of TINY: a width in front, a second microbatch, a second replicate."""

RECORD = RunRecord(
    widthwise_version="0.1.0",
    spec={"experiment": "made-up", "seed": 7, "model": {"depth": 3}},
    identity="ab" * 32,
    identity_fields={"experiment": "made-up", "model.depth": 3},
    canary={"draws": "cd" * 32},
    environment={"numpy": "2.0", "threads": 1},
    created="2026-01-01T00:00:00+00:00",
)


def blocks_of(layout: Layout) -> list[Block]:
    blocks: list[Block] = []
    for point in range(layout.points):
        for width, trials in zip(layout.widths, layout.trials, strict=True):
            blocks += [Block("trials", point, width, index) for index in range(-(-trials // layout.microbatch))]
        blocks += [Block("limit", point, 0, index) for index in range(layout.replicates)]
        blocks += [Block("exact", point, 0, 0)] if layout.exact else []
        blocks += [Block("arithmetic", point, 0, 0)]
    return blocks


def measure(layout: Layout, block: Block) -> dict[str, np.ndarray[Any, Any]]:
    """Numbers that are a pure function of the address, as a worker's are."""
    address = [store.PRIMARY.index(block.kind), block.point, block.width, block.index]
    generator = np.random.default_rng(address)
    count = layout.microbatch if block.kind == "trials" else 1
    return {readout.name: generator.normal(size=(count, *readout.shape)) for readout in layout.readouts}


def compute(path: store.RunPath, layout: Layout, block: Block) -> None:
    chunks = store.write_block(path, layout, block, measure(layout, block))
    store.Journal(path, "worker-0").record(block, chunks, seconds=0.5, attempt=1)


def derive(path: store.RunPath) -> xr.Dataset:
    """A reduction: the mean of every readout over the trials."""
    trials = store.open_results(path)["trials"].to_dataset()
    return trials.mean("trial", keep_attrs=True)


def drive(path: store.RunPath, layout: Layout) -> int:
    """What a driver does from whatever state it finds; returns the number of blocks it computed."""
    run = store.create_run(path, RECORD, layout) if store.is_free(path) else store.open_run(path)
    store.sweep_leftovers(path)
    if store.union(run.layout, layout) != run.layout:
        run = store.extend_run(run, RECORD, layout)
    blocks = blocks_of(run.layout)
    missing = sorted(set(blocks) - store.completed(path, run.layout, blocks))
    for block in missing:
        compute(path, run.layout, block)
    store.finish(run)
    store.write_derived(path, "curves", derive(path))
    return len(missing)


def files_of(path: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and modification time of every file."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


class Crash(BaseException):
    """The process is gone: no handler, no clean-up runs after it."""


_CHANGES = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "ftruncate")


@contextmanager
def _calls_intercepted(instead: Callable[[str, Callable[..., Any], tuple[Any, ...]], None]) -> Iterator[None]:
    """Call ``instead(name, real, arguments)`` before every system call that changes the disk."""

    def intercepted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object, **options: object) -> object:
            instead(name, real, arguments)
            return real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in _CHANGES:
            patch.setattr(os, name, intercepted(name, getattr(os, name)))
        yield


def crashes(action: Callable[[], object], at: int) -> bool:
    """Run ``action`` and kill it at its ``at``-th change of the disk; False if it ended before.

    A write is cut in the middle. Everything after the crash fails too, so that no clean-up handler helps.
    """
    count = 0

    def instead(name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        nonlocal count
        count += 1
        if count == at and name == "write":
            real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        if count >= at:
            raise Crash

    try:
        with _calls_intercepted(instead):
            action()
    except Crash:
        return True
    return False


@contextmanager
def failing(name: str, code: int = errno.ENOSPC, at: int = 1) -> Iterator[None]:
    """From its ``at``-th call on, the system call ``name`` fails with ``code``; reading goes on."""
    count = 0

    def instead(called: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        nonlocal count
        reads = called == "open" and not arguments[1] & os.O_CREAT
        count += called == name and not reads
        if called == name and not reads and count >= at:
            raise OSError(code, os.strerror(code))

    with _calls_intercepted(instead):
        yield
