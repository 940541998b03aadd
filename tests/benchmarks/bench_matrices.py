"""Whole dense trials under every law against drawing their numbers, and the tiled matrix against the dense one.

    python tests/benchmarks/bench_matrices.py [--width 4096] [--vectors 1] [--threads 1] [--repeats 5]

A trial is h = W x, g = W^T tanh(h) for a fresh W and as many vectors as asked for; medians of alternating runs. The
roofline is the time in which the machine's fastest float32 generator fills as many numbers as W has, in cache.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from widthwise.laws.entries import CHUNK
from widthwise.run.pages import keep_freed_pages
from widthwise.spaces import FiniteSpace, Holding

LAWS = (
    "gaussian",
    "uniform",
    "rademacher",
    "truncated_normal(2)",
    "laplace",
    "sparse(0.1)",
    "sparse(0.5)",
    "student_t(5)",
)


def trial(width: int, law: str, held: Holding, vectors: int) -> None:
    """Draw W and apply it in both directions."""
    with torch.no_grad():
        space = FiniteSpace(width, matrix=held)
        w = space.matrix(law=law)
        w.T(torch.tanh(w(space.vectors(vectors))))


def generators(numbers: int) -> dict[str, Callable[[], object]]:
    """What torch and numpy offer to fill memory that is in cache."""
    piece = torch.empty(CHUNK)
    view = piece.numpy()
    times = numbers // CHUNK
    stream = torch.Generator().manual_seed(0)
    sfc, pcg = (np.random.Generator(kind(0)) for kind in (np.random.SFC64, np.random.PCG64DXSM))
    return {
        "torch normal_": lambda: [piece.normal_(generator=stream) for _ in range(times)],
        "torch uniform_": lambda: [piece.uniform_(generator=stream) for _ in range(times)],
        "numpy SFC64": lambda: [sfc.random(out=view, dtype=np.float32) for _ in range(times)],
        "numpy PCG64DXSM": lambda: [pcg.random(out=view, dtype=np.float32) for _ in range(times)],
    }


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--vectors", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_pages()
    calls: dict[str, Callable[[], object]] = dict(generators(options.width**2))
    for law in LAWS:
        calls[f"{law} dense"] = lambda law=law: trial(options.width, law, "dense", options.vectors)
        calls[f"{law} tiled"] = lambda law=law: trial(options.width, law, "tiled", options.vectors)
    times = {name: [seconds(call) for _ in range(2)][1:] for name, call in calls.items()}
    for _ in range(options.repeats):
        for name, call in calls.items():
            times[name].append(seconds(call))
    spent = {name: median(own) for name, own in times.items()}
    roofline = min(spent[name] for name in generators(0))
    print(f"width {options.width}, {options.vectors} vectors, {options.threads} threads, torch {torch.__version__}")
    print(f"roofline {roofline:.3f} s")
    print(f"{'law':<22} {'dense trial':>12} {'of the roofline':>16} {'tiled / dense':>14}")
    for law in LAWS:
        dense, tiled = spent[f"{law} dense"], spent[f"{law} tiled"]
        print(f"{law:<22} {dense:10.3f} s {roofline / dense:16.0%} {tiled / dense:14.2f}")


if __name__ == "__main__":
    main()
