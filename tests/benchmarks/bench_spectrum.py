"""Spectra of Jacobians by widthwise, by lilypads point by point, and by matrices, in one run.

    python tests/benchmarks/bench_spectrum.py [--points 1000] [--seconds 20] [--repeats 7] [--accuracy 1e-4]

Densities at Im z = 1e-9 of critical networks J = D_L W_L ... D_1 W_1, ReLU and tanh, from a millionth of the upper edge
to beyond it. The lilypads of FPNN's Algorithm 1 (``lilypads_by_point.py``) start every point from far above, or from
the point before it; what is not done in time is extrapolated from the points that are, in random order, and marked.
Of matrices it is said how many of which width give the distribution function to an accuracy: those that are drawn say
how far one matrix is off and how far the mean of many, each in proportion to 1 / width.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
import torch
from lilypads_by_point import Closed, Lilypads, LostError, Pad, Quadrature
from numpy.typing import NDArray

from widthwise.models import activation
from widthwise.models.slopes import slope, slope_law
from widthwise.theory import critical_weight_variance, variance_fixed_point
from widthwise.theory.free import Chain, Measure, Spectrum, diagonal, spectrum, weights
from widthwise.theory.free.compression import compressed

HEIGHT = 1e-9
BIASES = {"relu": 0.0, "tanh": 0.05}
DEPTHS = (4, 32, 128)
WIDTHS = (32, 64, 128)
MATRICES = 16

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A critical one that starts where variances stay, so that the slopes of all layers are of one law."""

    activation: str
    depth: int
    variance: float
    bias: float
    preactivations: float
    slopes: Measure

    @property
    def chain(self) -> Chain:
        """Of J."""
        layer = diagonal(self.slopes) @ weights(variance=self.variance)
        chain = layer
        for _ in range(self.depth - 1):
            chain = layer @ chain
        return chain

    @property
    def lilypads(self) -> Lilypads:
        """The same equation for the peer."""
        points, masses = self.slopes.points, self.slopes.weights
        if self.activation == "relu":
            layers: Closed | Quadrature = Closed(alive=np.full(self.depth, masses[points > 0].sum()))
        else:
            layers = Quadrature(squares=np.tile(points, (self.depth, 1)), weights=masses)
        return Lilypads(layers=layers, variances=np.full(self.depth, self.variance))


@dataclass(frozen=True, kw_only=True)
class Timed:
    """Seconds for all points, whether measured on all, how many were lost, the largest difference of densities."""

    seconds: float
    whole: bool
    lost: int
    difference: float

    def __str__(self) -> str:
        return f"{'' if self.whole else '~'}{self.seconds:.3g} s"


def network(name: str, depth: int) -> Network:
    """Of a depth, at the critical weight variance."""
    dual = activation(name).dual
    variance = float(critical_weight_variance(dual, BIASES[name]))
    q = float(variance_fixed_point(dual, variance, BIASES[name]))
    return Network(
        activation=name,
        depth=depth,
        variance=variance,
        bias=BIASES[name],
        preactivations=q,
        slopes=compressed(slope_law(name, q)),
    )


def density(chain: Chain, x: Array) -> Array:
    """At Im z = `HEIGHT`, of a law that nothing is known of yet."""
    z = x + 1j * HEIGHT
    return -((1 + spectrum(chain).moment_transform(z)) / z).imag / math.pi


def by_point(pads: Lilypads, x: Array, expected: Array, seconds: float, *, onward: bool) -> Timed:
    """The peer, ``onward`` from every point to the next one, else from far above in random order."""
    order = np.arange(len(x)) if onward else np.random.default_rng(0).permutation(len(x))
    differences, lost, start = [], 0, time.perf_counter()
    pad: Pad | None = None
    for index in order:
        try:
            value, reached = pads.density(float(x[index]), HEIGHT, pad)
            pad = reached if onward else None
            differences.append(abs(value - expected[index]) / (1 + abs(expected[index])))
        except LostError:
            pad, lost = None, lost + 1
        spent = time.perf_counter() - start
        if spent > seconds:
            break
    done = len(differences) + lost
    return Timed(
        seconds=spent * len(x) / done,
        whole=done == len(x),
        lost=lost,
        difference=max(differences, default=math.nan),
    )


def jacobian(net: Network, width: int, stream: np.random.Generator) -> Array:
    """The Jacobian of a network of this width, one of many."""
    h = stream.standard_normal(width) * math.sqrt(net.preactivations)
    j = np.eye(width)
    for layer in range(net.depth):
        w = stream.standard_normal((width, width)) * math.sqrt(net.variance / width)
        j = slope(net.activation, h)[:, None] * (w @ j)
        if layer < net.depth - 1:
            x = activation(net.activation).function(torch.from_numpy(h)).numpy()
            h = w @ x + stream.standard_normal(width) * math.sqrt(net.bias)
    return j


def by_matrices(net: Network, law: Spectrum, x: Array, accuracy: float) -> tuple[float, int, int]:
    """Seconds, matrices and their width for a distribution function that is off by ``accuracy`` at most.

    The mean over many matrices is off by b / width, one of them by sqrt(a^2 + b^2) / width: with T of them
    sqrt(b^2 + a^2 / T) / width, at a cost in proportion to T width^3.
    """
    expected, stream = law.cdf(x), np.random.default_rng(1)
    single, mean = [], []
    for width in WIDTHS:
        start = time.perf_counter()
        values = [np.linalg.svd(jacobian(net, width, stream), compute_uv=False)[::-1] ** 2 for _ in range(MATRICES)]
        spent = (time.perf_counter() - start) / MATRICES
        found = np.stack([np.searchsorted(each, x, side="right") / width for each in values])
        single.append(width * np.mean(np.abs(found - expected).max(1)))
        mean.append(width * np.abs(found.mean(0) - expected).max())
    of_one, of_many = median(single), median(mean)
    noise = max(of_one**2 - of_many**2, 0.0) * MATRICES / (MATRICES - 1)
    bias = max(of_many**2 - noise / MATRICES, 0.0)
    costs = []
    for matrices in (1 << power for power in range(31)):
        width = math.ceil(math.sqrt(bias + noise / matrices) / accuracy)
        costs.append((matrices * spent * (width / WIDTHS[-1]) ** 3, matrices, width))
    return min(cost for cost in costs if cost[2] >= WIDTHS[0])


def median_seconds(call: Callable[[], object], repeats: int) -> float:
    """Of ``repeats`` calls after a first one."""
    times = [time.perf_counter()]
    call()
    for _ in range(repeats + 1):
        call()
        times.append(time.perf_counter())
    return median(after - before for before, after in list(pairwise(times))[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0, help="time for the peer, each way of each network")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--accuracy", type=float, default=1e-4, help="of distribution functions, by matrices")
    options = parser.parse_args()
    print(f"{options.points} points at Im z = {HEIGHT:g}; ~ extrapolated from what {options.seconds:g} s allow")
    print(
        f"{'':<10} {'widthwise':>10} {'point by point':>15} {'ratio':>7} {'from the one before':>20} {'ratio':>7} "
        f"{'difference':>11} {'lost':>5}   matrices to {options.accuracy:g}"
    )
    for depth in DEPTHS:
        for name in BIASES:
            net = network(name, depth)
            law = spectrum(net.chain)
            x = np.geomspace(1e-6, 1.1, options.points) * law.edges[-1]
            own = median_seconds(lambda chain=net.chain, x=x: density(chain, x), options.repeats)
            expected = density(net.chain, x)
            ways = [by_point(net.lilypads, x, expected, options.seconds, onward=onward) for onward in (False, True)]
            seconds, matrices, width = by_matrices(net, law, x, options.accuracy)
            print(
                f"{name:<5} {depth:>4} {own * 1e3:7.1f} ms {ways[0]!s:>15} {ways[0].seconds / own:7.0f} "
                f"{ways[1]!s:>20} {ways[1].seconds / own:7.0f} {max(way.difference for way in ways):11.1e} "
                f"{ways[0].lost + ways[1].lost:>5}   {matrices:,} of width {width:,}: {seconds:.2g} s"
            )


if __name__ == "__main__":
    main()
