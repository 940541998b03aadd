"""Training: SGD against the width, Adam's tiles and products with updates against what the machine can do.

    python tests/benchmarks/bench_training.py [--threads 1] [--largest 17] [--repeats 7]

First a trial of gradient descent (tanh MLP of depth 3, 4 inputs, 8 steps, maximal updates) at growing widths, with the
exponent of its time and the peak of the bytes of its tensors, beside those of one n x n matrix. Then a step of Adam on
the entries of a hidden matrix, at width 4096 and of kets (16384 samples, 1024 tuples), in millions of entries a second:
against the same update again and again on one tile in cache, which sees no memory, and against torch's own optimizer on
as many entries. Last products with these entries against a plain product of the same shape. Medians of alternating
runs.
"""

import argparse
import math
import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

import widthwise
from widthwise.models import MLP
from widthwise.plan.peak import PeakBytes
from widthwise.run.pages import keep_freed_pages
from widthwise.training import SGD, Adam, Constant, optimizer
from widthwise.training.entrywise import ENTRIES_AT_ONCE, Entrywise
from widthwise.training.gradient import Gradient
from widthwise.training.move import Move

INPUTS = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([1.0, -1.0, 0.5, -0.5])
WIDTH, SAMPLES, TUPLES = 4096, 16384, 1024
ADAM = Adam(learning_rate=0.1)
ROOM = 1 << 34


def trial(width: int) -> None:
    """Gradient descent from the start to the end."""
    network = MLP(depth=3, activation="tanh")
    for _ in widthwise.train(widthwise.FiniteSpace(width), network, INPUTS, TARGETS, optimizer=SGD(learning_rate=0.1)):
        pass


def entries(rows: int, columns: int) -> tuple[Entrywise, Gradient]:
    """Entries that have moved once, and a gradient of as many terms as there are inputs."""
    left, right = torch.randn(1, len(INPUTS), rows), torch.randn(1, len(INPUTS), columns)
    gradient = Gradient(left=left, right=right, scale=1.0)
    move = Move(options=ADAM, schedule=Constant(), constant=1.0, weight_size=lambda: torch.ones(1, 1, 1))
    made = Entrywise(move, gradient, rows=rows, columns=columns, room=ROOM)
    made.advance(gradient, 0)
    return made, gradient


def in_cache(count: int) -> Callable[[], None]:
    """The same update of ``count`` entries, all of them those of one tile."""
    rule, gradient, moved = optimizer(ADAM), torch.randn(ENTRIES_AT_ONCE), torch.zeros(ENTRIES_AT_ONCE)
    state = rule.init(gradient)

    def update() -> None:
        nonlocal state
        for _ in range(count // ENTRIES_AT_ONCE):
            step, state = rule.step(state, gradient, 1)
            moved.sub_(step, alpha=ADAM.learning_rate)

    return update


def torchs(count: int, **kind: bool) -> Callable[[], object]:
    """torch.optim.Adam, of which nothing is kept in tiles and whose gradient is there already."""
    weights = torch.nn.Parameter(torch.randn(count))
    weights.grad = torch.randn(count)
    return torch.optim.Adam([weights], lr=ADAM.learning_rate, **kind).step


def median_seconds(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median time of each call, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: median(own[1:]) for name, own in times.items()}


def print_widths(largest: int, repeats: int) -> None:
    """Seconds, growth and bytes of gradient descent."""
    print(f"{'width':>9} {'seconds':>9} {'exponent':>9} {'peak':>10} {'n x n':>10}")
    before: float | None = None
    for power in range(12, largest + 1):
        n = 1 << power
        (seconds,) = median_seconds({"trial": lambda n=n: trial(n)}, min(repeats, 3)).values()
        with PeakBytes() as tensors:
            trial(n)
        exponent = "" if before is None else f"{math.log2(seconds / before):9.2f}"
        print(
            f"{n:9,} {seconds:9.3f} {exponent:>9} {tensors.peak / 2**20:6.0f} MiB {4 * n**2 / 2**20:6.0f} MiB",
            flush=True,
        )
        before = seconds


def print_steps(repeats: int) -> None:
    """Entries a second of a step of Adam, and of its peers."""
    wide, of_wide = entries(WIDTH, WIDTH)
    kets, of_kets = entries(SAMPLES, TUPLES)
    count = WIDTH * WIDTH
    calls: dict[str, Callable[[], object]] = {
        f"entries, width {WIDTH}": lambda: wide.advance(of_wide, 1),
        f"entries of kets, {SAMPLES} x {TUPLES}": lambda: kets.advance(of_kets, 1),
        "one tile in cache": in_cache(count),
        "torch.optim.Adam, fused": torchs(count, fused=True),
        "torch.optim.Adam, foreach": torchs(count, foreach=True),
    }
    rates = {name: count / seconds / 1e6 for name, seconds in median_seconds(calls, repeats).items()}
    print(f"\n{'a step of Adam':<34} {'M entries / s':>14} {'of the tile':>12} {'of fused':>9} {'of foreach':>11}")
    for name, rate in rates.items():
        peers = (rates[peer] for peer in ("one tile in cache", "torch.optim.Adam, fused", "torch.optim.Adam, foreach"))
        tile, fused, foreach = (rate / peer for peer in peers)
        print(f"{name:<34} {rate:14.0f} {tile:12.0%} {fused:9.0%} {foreach:11.0%}", flush=True)


def print_products(repeats: int) -> None:
    """Seconds of products with entries that have moved, against plain ones."""
    print(f"\n{'a product':<34} {'entries':>11} {'plain':>11} {'plain / entries':>16}")
    for rows, columns in ((WIDTH, WIDTH), (SAMPLES, TUPLES), (TUPLES, SAMPLES)):
        made, _ = entries(rows, columns)
        plain = made.entries().clone()
        x, y = torch.randn(1, len(INPUTS), columns), torch.randn(1, len(INPUTS), rows)
        for word, ours, theirs in (
            ("", lambda made=made, x=x: made.multiply(x, transposed=False), lambda plain=plain, x=x: x @ plain.mT),
            ("^T", lambda made=made, y=y: made.multiply(y, transposed=True), lambda plain=plain, y=y: y @ plain),
        ):
            own, peer = median_seconds({"entries": ours, "plain": theirs}, 3 * repeats).values()
            name = f"({rows} x {columns}){word} on {len(INPUTS)} vectors"
            print(f"{name:<34} {own * 1e3:8.2f} ms {peer * 1e3:8.2f} ms {peer / own:16.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--largest", type=int, default=17, help="largest width of gradient descent, as a power of two")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_pages()
    print(f"{options.threads} threads, torch {torch.__version__}; medians")
    print_widths(options.largest, options.repeats)
    print_steps(options.repeats)
    print_products(options.repeats)


if __name__ == "__main__":
    main()
