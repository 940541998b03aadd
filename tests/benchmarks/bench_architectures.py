"""Both kernels of one random network of every architecture: revealed against dense matrices, in alternating runs.

    python tests/benchmarks/bench_architectures.py [--width 4096] [--inputs 4] [--threads 1] [--repeats 3]

Default parameters on handwritten digits; medians. `growth` is the exponent of the time of a revealed trial from that
width to four times it.
"""

import argparse
import math
import time
from collections.abc import Callable
from statistics import median

import torch

from widthwise.experiments import build
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import load_inputs
from widthwise.experiments.options import NTK
from widthwise.models import MODELS
from widthwise.run.pages import keep_freed_pages
from widthwise.spaces import FiniteSpace, Holding, Space


def seconds(measure: Callable[[Space], object], width: int, matrix: Holding) -> float:
    """Of one trial."""
    start = time.perf_counter()
    measure(FiniteSpace(width, matrix=matrix))
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each architecture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("width", 4096), ("inputs", 4), ("threads", 1), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    keep_freed_pages()
    inputs = load_inputs(Data(count=asked.inputs), 0)
    print(f"{'architecture':14}{'revealed':>11}{'dense':>11}{'dense / revealed':>18}{'growth':>8}")
    for name, section in MODELS.items():
        model = section.model_validate({})
        experiment = (
            build("nngp", {"model": model}, inputs)
            if model.no_tangent_kernel
            else build("ntk", {"model": model, "options": NTK()}, inputs)
        )

        measure = experiment.measure
        seconds(measure, asked.width, "revealed")
        runs = [
            (seconds(measure, asked.width, "revealed"), seconds(measure, asked.width, "dense"))
            for _ in range(asked.repeats)
        ]
        revealed, dense = (median(column) for column in zip(*runs, strict=True))
        wide = median(seconds(measure, 4 * asked.width, "revealed") for _ in range(asked.repeats))
        growth = math.log(wide / revealed) / math.log(4)
        print(
            f"{name:14}{revealed * 1e3:8.0f} ms{dense * 1e3:8.0f} ms{dense / revealed:18.1f}{growth:8.2f}", flush=True
        )


if __name__ == "__main__":
    main()
