"""One NTK trial (depth 3, 8 inputs, float32): revealed matrices against a well-written dense network, in one run.

    python tests/benchmarks/bench_trial.py [--threads 1] [--largest 20]

Prints medians of alternating runs and their ratio; the growth of the revealed cost with the width; and how long
drawing the trial's random numbers alone takes, which is the physical limit.
"""

import argparse
import math
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments import build
from widthwise.experiments.options import NTK
from widthwise.models import MLP
from widthwise.randomness import FINITE, pseudo_random
from widthwise.run.pages import keep_freed_pages
from widthwise.spaces import FiniteSpace

WEIGHT_VARIANCE, BIAS_VARIANCE = 1.5, 0.1
INPUTS = np.random.default_rng(0).standard_normal((8, 64))
COLUMNS = (8, 1, 8, 1, 8, 1, 1, 8, 8)
"""Fresh columns of a trial: input layer, bias, twice hidden layer and bias, readout, twice the transpose."""


def median_seconds(*calls: Callable[[], object], seconds: float = 2.0) -> list[float]:
    """Median time of each call, taken in turn until ``seconds`` are spent and each ran at least 3 times."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[-1]) < 3:
        for call, own in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            own.append(time.perf_counter() - start)
    return [statistics.median(own) for own in times]


def revealed(n: int) -> Callable[[], object]:
    """The trial as a worker computes it."""
    experiment = build(
        "ntk", {"model": MLP(weight_variance=WEIGHT_VARIANCE, bias_variance=BIAS_VARIANCE), "options": NTK()}, INPUTS
    )
    return lambda: experiment.measure(FiniteSpace(n, 1))


def draws(n: int) -> Callable[[], object]:
    """The trial's random numbers and nothing else."""
    draw = pseudo_random(0, (FINITE, n), [0], torch.device("cpu"))

    def all_columns() -> None:
        first = 0
        for count in COLUMNS:
            draw(first, count, n)
            first += count

    return all_columns


def dense(n: int) -> Callable[[], object]:
    """The same trial with whole weight matrices: rows of coordinates, backpropagation by hand, buffers used again."""
    x = torch.from_numpy(INPUTS).float()
    w1, w2, w3 = torch.empty(x.shape[1], n), torch.empty(n, n), torch.empty(n, n)
    b = torch.empty(3, n)
    v = torch.empty(n)
    h1, h2, h3, x1, x2, x3, g1, g2, g3 = (torch.empty(len(x), n) for _ in range(9))

    def derivative(h: Tensor) -> Tensor:
        return torch.exp(-h.square()).mul_(2 / math.sqrt(math.pi))

    def trial() -> tuple[Tensor, Tensor]:
        w1.normal_(std=math.sqrt(WEIGHT_VARIANCE / x.shape[1]))
        w2.normal_(std=math.sqrt(WEIGHT_VARIANCE / n))
        w3.normal_(std=math.sqrt(WEIGHT_VARIANCE / n))
        b.normal_(std=math.sqrt(BIAS_VARIANCE))
        v.normal_()
        torch.erf(torch.addmm(b[0], x, w1, out=h1), out=x1)
        torch.erf(torch.addmm(b[1], x1, w2, out=h2), out=x2)
        torch.erf(torch.addmm(b[2], x2, w3, out=h3), out=x3)
        torch.mul(derivative(h3), v, out=g3)
        torch.mm(g3, w3.mT, out=g2).mul_(derivative(h2))
        torch.mm(g2, w2.mT, out=g1).mul_(derivative(h1))
        nngp = x3 @ x3.mT / n
        layers = ((g1, x, x.shape[1]), (g2, x1, n), (g3, x2, n))
        return nngp, nngp + sum(WEIGHT_VARIANCE * (g @ g.mT / n) * (a @ a.mT / m) for g, a, m in layers)

    return trial


def check_same_law(n: int = 128, trials: int = 300) -> None:
    """Both give the same mean kernel, within 5 standard errors of the difference."""
    measured = build(
        "ntk", {"model": MLP(weight_variance=WEIGHT_VARIANCE, bias_variance=BIAS_VARIANCE), "options": NTK()}, INPUTS
    ).measure
    ours = measured(FiniteSpace(n, trials))["ntk"]
    call = dense(n)
    theirs = torch.stack([call()[1] for _ in range(trials)]).double()  # type: ignore[index]
    error = ((ours.var(0) + theirs.var(0)) / trials).sqrt()
    assert ((ours.mean(0) - theirs.mean(0)).abs() < 5 * error).all(), "the two networks differ"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--largest", type=int, default=20, help="largest width of the revealed trial, as a power of two"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_pages()
    check_same_law()
    print(f"{options.threads} threads, torch {torch.__version__}; medians")
    print(f"{'width':>9} {'revealed':>12} {'dense':>12} {'dense / revealed':>17}")
    for n in (1024, 4096, 8192):
        ours, theirs = median_seconds(revealed(n), dense(n), seconds=6.0)
        print(f"{n:9,} {ours * 1e3:9.2f} ms {theirs * 1e3:9.2f} ms {theirs / ours:17.1f}", flush=True)
    print(
        f"\n{'width':>9} {'revealed':>12} {'draws alone':>12} {'revealed / draws':>17} {'exponent':>9} {'peak GB':>8}"
    )
    before: float | None = None
    for power in range(10, options.largest + 1, 2):
        n = 1 << power
        ours, limit = median_seconds(revealed(n), draws(n))
        exponent = "" if before is None else f"{math.log(ours / before) / math.log(4):9.2f}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{n:9,} {ours * 1e3:9.2f} ms {limit * 1e3:9.2f} ms {ours / limit:17.2f} {exponent:>9} {peak:8.2f}",
            flush=True,
        )
        before = ours


if __name__ == "__main__":
    main()
