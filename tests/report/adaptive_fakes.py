"""A measurement whose spread is known, and tiny specs for adaptive runs of it."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from widthwise.plan import Block
from widthwise.spec import Spec, load_spec

WIDTHS = (16, 64, 256)
EXACT: Mapping[str, object] = {"name": "mlp"}
SAMPLED: Mapping[str, object] = {"name": "gru"}
POINTS: Mapping[str, object] = {"model.weight_variance": [0.5, 1.5]}


def fake_spec(
    model: Mapping[str, object] = EXACT,
    axes: Mapping[str, object] | None = None,
    *,
    trials: int = 64,
    microbatch: int = 4,
) -> Spec:
    """Two by two kernels at three widths."""
    return load_spec(
        {
            "experiment": "nngp",
            "model": model,
            "data": {"source": "gaussian", "count": 2, "features": 8},
            "sweep": {"width": list(WIDTHS), "trials": trials} | (axes or {}),
            "limit": {"samples": 64, "replicates": 8},
            "numerics": {"microbatch": microbatch},
        }
    )


def spread(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One everywhere, with noise 1 / sqrt(width) in trials, twice that at the second point, a little in limits."""
    seed = [len(block.kind), block.point, block.width, block.index]
    noise = np.random.default_rng(seed).standard_normal((spec.numerics.microbatch, 2, 2))
    if block.kind == "trials":
        return {"nngp": 1.0 + (1 + block.point) * noise / np.sqrt(block.width)}
    size = {"limit": 0.05, "exact": 0.0, "arithmetic": 1e-9}[block.kind]
    return {"nngp": float(block.kind != "arithmetic") + size * noise[:1]}


def interrupted_at(
    after: int, counter: Path, spec: Spec, inputs: Sequence[np.ndarray], block: Block
) -> Mapping[str, np.ndarray]:
    """SIGTERM in place of the next block after so many were computed, once."""
    done = int(counter.read_text() or 0)
    counter.write_text(str(done + 1))
    if done == after:
        os.kill(os.getpid(), signal.SIGTERM)
    return spread(spec, inputs, block)


POISON = Block("trials", 0, 16, 2)


def poisoned(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block of the first round always raises."""
    if block == POISON:
        message = "poison"
        raise FloatingPointError(message)
    return spread(spec, inputs, block)
