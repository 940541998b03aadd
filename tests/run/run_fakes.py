"""Measurements that fail on purpose, in files that Ray workers can import too; and a tiny spec to run them on."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from widthwise.plan import Block
from widthwise.spec import Spec, load_spec

INPUTS = 2


def tiny_spec(**tables: object) -> Spec:
    """Kernels of two inputs at widths 4 and 8: 3 + 3 blocks of trials, 2 of the limit, exact, arithmetic: 10 blocks."""
    base: dict[str, object] = {
        "experiment": "nngp",
        "data": {"source": "gaussian", "count": INPUTS, "features": 3},
        "sweep": {"width": [4, 8], "trials": 12},
        "limit": {"samples": 64, "replicates": 2},
        "numerics": {"microbatch": 4},
    }
    return load_spec(base | tables)


BLOCKS = 10
POISON = Block("trials", 0, 8, 2)


def numbers(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """Numbers that depend on nothing but the address of the block."""
    count = spec.numerics.microbatch if block.kind == "trials" else 1
    seed = [len(block.kind), block.point, block.width, block.index]
    return {"nngp": np.random.default_rng(seed).standard_normal((count, INPUTS, INPUTS))}


def slow(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """Half a second a block, but quick for those that the cost model measures."""
    time.sleep(0.5 if block.index else 0.0)
    return numbers(spec, inputs, block)


def chaos_spec() -> Spec:
    """A hundred blocks."""
    return tiny_spec(sweep={"width": [4, 8], "trials": 192}, limit={"samples": 64, "replicates": 2})


def brief(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """From 20 to 50 ms a block, but a quarter of a second for those that are measured beforehand: short units."""
    time.sleep(0.02 + 0.03 * (block.index * 7 % 11) / 10 if block.index else 0.25)
    return numbers(spec, inputs, block)


def held(hold: Path, spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """Blocks as in `brief`, but none is done while the file ``hold`` is there."""
    values = brief(spec, inputs, block)
    while hold.exists():
        time.sleep(0.01)
    return values


def poisoned(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block always raises."""
    if block == POISON:
        message = "a line\nand another"
        raise FloatingPointError(message)
    return numbers(spec, inputs, block)


def poisoned_slowly(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block always raises, after long enough for what happened before to be reported."""
    time.sleep(1.5 if block == POISON else 0.0)
    return poisoned(spec, inputs, block)


def deadly(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block always kills its process."""
    if block == POISON:
        os.kill(os.getpid(), signal.SIGKILL)
    return numbers(spec, inputs, block)


def deadly_once(marker: Path, spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block kills its process the first time."""
    if block == POISON and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return numbers(spec, inputs, block)


def hanging_once(marker: Path, spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block never ends the first time."""
    if block == POISON and not marker.exists():
        marker.touch()
        time.sleep(3600)
    return numbers(spec, inputs, block)


def interrupted_once(marker: Path, spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block is interrupted by SIGTERM the first time."""
    if block == POISON and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGTERM)
    return numbers(spec, inputs, block)
