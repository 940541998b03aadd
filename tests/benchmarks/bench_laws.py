"""Filling matrix tiles with entries of every law, against the machine's fastest float32 generator, in one run.

    python tests/benchmarks/bench_laws.py [--threads 1] [--entries 22] [--seconds 20]

Prints medians of alternating runs, in millions of numbers a second, and their ratio to the fastest of the generators
named first, each of which fills the same memory in pieces that stay in cache.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from statistics import median

import numpy as np
import torch

from widthwise.laws import law
from widthwise.laws.entries import CHUNK, fill
from widthwise.laws.images import image
from widthwise.run.pages import keep_freed_pages

LAWS = (
    "gaussian",
    "uniform",
    "rademacher",
    "truncated_normal(2)",
    "laplace",
    "sparse(0.01)",
    "sparse(0.1)",
    "sparse(0.5)",
    "student_t(3)",
    "student_t(5)",
)


def generators(out: torch.Tensor) -> dict[str, Callable[[], object]]:
    """What torch and numpy offer to fill a tensor."""
    pieces = out.split(CHUNK)
    torch_stream = torch.Generator().manual_seed(0)
    calls: dict[str, Callable[[], object]] = {
        "torch normal_": lambda: [piece.normal_(generator=torch_stream) for piece in pieces],
        "torch uniform_": lambda: [piece.uniform_(generator=torch_stream) for piece in pieces],
    }
    for kind in (np.random.SFC64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox):
        stream = np.random.Generator(kind(0))
        calls[f"numpy {kind.__name__} uniform"] = lambda stream=stream: [
            stream.random(out=piece.numpy(), dtype=np.float32) for piece in pieces
        ]
    return calls


def median_seconds(calls: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Median time of each call, taken in turn until ``seconds`` are spent and each ran at least 3 times."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    rounds = 0
    while time.perf_counter() < end or rounds < 4:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
        rounds += 1
    return {name: median(own[1:]) for name, own in times.items()}  # the first run builds tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--entries", type=int, default=22, help="entries of a tile, as a power of two")
    parser.add_argument("--seconds", type=float, default=20.0, help="time for the fills, and again for the images")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_pages()
    out = torch.empty(1 << options.entries)
    known = generators(out)
    fills = {name: lambda name=name: fill(out, law(name), 0, 1) for name in LAWS}
    z = torch.randn(1 << 20, generator=torch.Generator().manual_seed(0))
    images = {name: lambda name=name: image(z, law(name)) for name in LAWS}
    spent = median_seconds({**known, **fills}, options.seconds)
    rates = {name: out.numel() / each / 1e6 for name, each in spent.items()}
    fastest = max(rates[name] for name in known)
    print(f"{options.threads} threads, torch {torch.__version__}, tiles of {out.numel():,} numbers; medians")
    print(f"{'fill':<26} {'M numbers / s':>14} {'of the fastest':>15}")
    for name, rate in rates.items():
        print(f"{name:<26} {rate:14.0f} {rate / fastest:15.0%}")
    print(f"\n{'image (float32)':<26} {'M numbers / s':>14}")
    for name, each in median_seconds(images, options.seconds).items():
        print(f"{name:<26} {z.numel() / each / 1e6:14.0f}")


if __name__ == "__main__":
    main()
