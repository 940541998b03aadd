"""The error of the limit at equal time: quasi-random kets, pseudo-random kets, and a dense network of that time.

    python tests/benchmarks/bench_limit.py [--threads 1]

The NTK of a depth-3 erf network on 8 inputs against its closed form, relative in the Frobenius norm, rms over
replicates.
"""

import argparse
import time

import numpy as np
import torch
from bench_trial import BIAS_VARIANCE, INPUTS, WEIGHT_VARIANCE, dense, median_seconds

from widthwise.experiments import build
from widthwise.experiments.options import NTK
from widthwise.models import MLP
from widthwise.run.pages import keep_freed_pages
from widthwise.spaces import KetSpace

REPLICATES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    keep_freed_pages()
    experiment = build(
        "ntk", {"model": MLP(weight_variance=WEIGHT_VARIANCE, bias_variance=BIAS_VARIANCE), "options": NTK()}, INPUTS
    )
    assert experiment.exact is not None
    exact = experiment.exact()["ntk"]

    def distance(kernel: np.ndarray) -> float:
        return float(np.linalg.norm(kernel - exact) / np.linalg.norm(exact))

    print(f"{'samples':>9} {'estimator':>9} {'seconds':>9} {'one replicate':>14} {'mean of ' + str(REPLICATES):>10}")
    seconds = 0.0
    for samples in (1 << 14, 1 << 16, 1 << 18):
        for estimator in ("mc", "rqmc"):
            start = time.perf_counter()
            kernels = [
                experiment.measure(KetSpace(samples, first=i, estimator=estimator))["ntk"][0].numpy()  # type: ignore[arg-type]
                for i in range(REPLICATES)
            ]
            seconds = (time.perf_counter() - start) / REPLICATES
            single = np.sqrt(np.mean([distance(kernel) ** 2 for kernel in kernels]))
            mean = distance(np.mean(kernels, 0))
            print(f"{samples:9,} {estimator:>9} {seconds:9.3f} {single:14.1e} {mean:10.1e}", flush=True)

    widths = [n for n in (512, 1024, 2048, 4096, 8192) if median_seconds(dense(n), seconds=0.0)[0] < 1.3 * seconds]
    width = max(widths, default=512)
    call = dense(width)
    kernels = [np.asarray(call()[1]) for _ in range(REPLICATES)]  # type: ignore[index]
    single = np.sqrt(np.mean([distance(kernel) ** 2 for kernel in kernels]))
    (seconds,) = median_seconds(call, seconds=0.0)
    print(f"{width:9,} {'dense':>9} {seconds:9.3f} {single:14.1e} {distance(np.mean(kernels, 0)):10.1e}")


if __name__ == "__main__":
    main()
