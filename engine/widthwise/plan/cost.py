"""CostModel: seconds and bytes of a block, fitted to small blocks measured on this machine."""

import bisect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from widthwise.experiments import has_limit
from widthwise.plan.batching import draws_entries, moves_entries, numbers, trials_at_once, vectors
from widthwise.plan.peak import PeakBytes
from widthwise.plan.units import Block
from widthwise.spaces.holding import ENTRY_BYTES
from widthwise.spec import Spec, points

Measure = Callable[[Spec, Sequence[np.ndarray], Block], Mapping[str, np.ndarray]]

LARGEST_PROBE = 8192
"""Width up to which trials are measured."""
MOST_NUMBERS = 1 << 20
"""Numbers of a trial up to which it is measured: at width 1024 where entries of matrices are drawn or move."""
MOST_SAMPLES = 32768
"""Samples up to which a limit is measured."""
MOST_LIMIT_NUMBERS = 1 << 22
"""Samples times tuples, or times vectors of all steps, up to which the limit of training is measured."""
MOST_POINTS = 16
"""Sweep points that are measured; a finer sweep is measured at evenly spaced ones."""
REPEATS = 2
SLOW_SECONDS = 0.25
"""What takes longer is measured once: its time is steady, and calibration must not cost as much as the run."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one call takes: its time, and the peak of the bytes that its tensors hold."""

    seconds: float
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A cost that grows in proportion to a size from a constant: ``constant + rate * size``."""

    seconds: tuple[float, float]
    bytes: tuple[float, float]

    def at(self, size: int) -> Cost:
        """The cost at a size, measured or beyond."""
        return Cost(
            seconds=self.seconds[0] + self.seconds[1] * size, bytes=math.ceil(self.bytes[0] + self.bytes[1] * size)
        )


@dataclass(frozen=True, kw_only=True)
class PointCost:
    """What blocks of one sweep point cost: trials by the coordinates of a call, the limit, if any, by its samples."""

    spec: Spec
    trials: Growth
    limit: Growth | None

    def of(self, block: Block) -> Cost:
        """Cost of a block; one call takes `trials_at_once` trials, exact and arithmetic blocks are small."""
        if block.kind == "limit" and self.limit:
            return self.limit.at(self.spec.limit.samples)
        if block.kind != "trials":
            return self.trials.at(_size(self.spec, _probes(self.spec)[0]))
        calls = -(-self.spec.numerics.microbatch // trials_at_once(self.spec, block.width))
        one = self.trials.at(_size(self.spec, block.width))
        return Cost(seconds=calls * one.seconds, bytes=_held(self.spec, one.bytes))


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Costs by sweep point; a point that was not measured takes those of the nearest measured one before it."""

    by_point: Mapping[int, PointCost]

    def seconds(self, block: Block) -> float:
        """Predicted seconds of a block on an idle worker."""
        return self._at(block.point).of(block).seconds

    def bytes(self, block: Block) -> int:
        """Predicted peak of the bytes that tensors hold while a block is computed."""
        return self._at(block.point).of(block).bytes

    def spec(self, block: Block) -> Spec:
        """The spec of the point that its costs are those of."""
        return self._at(block.point).spec

    def _at(self, point: int) -> PointCost:
        measured = sorted(self.by_point)
        return self.by_point[measured[bisect.bisect_right(measured, point) - 1]]


def calibrate(spec: Spec, inputs: Sequence[np.ndarray], measure: Measure) -> CostModel:
    """Measure small blocks of a spec and fit how they grow.

    Args:
        spec: the run to be planned.
        inputs: one array (input, feature) a sweep point.
        measure: computes one block as a worker does; here once and again, the faster time counts.
    """
    resolved = [point.spec for point in points(spec)]
    probed = sorted({round(p) for p in np.linspace(0, len(resolved) - 1, min(len(resolved), MOST_POINTS))})
    return CostModel(by_point={p: _measured(resolved[p], inputs[p], measure) for p in probed})


def _measured(spec: Spec, inputs: np.ndarray, measure: Measure) -> PointCost:
    """The costs of a spec without axes."""

    def trials(width: int) -> Cost:
        return _timed(lambda: measure(spec, [inputs], Block(kind="trials", point=0, width=width, index=0)))

    def limit(samples: int) -> Cost:
        smaller = spec.model_copy(update={"limit": spec.limit.model_copy(update={"samples": samples})})
        return _timed(lambda: measure(smaller, [inputs], Block(kind="limit", point=0, width=0, index=0)))

    samples = min(spec.limit.samples, MOST_SAMPLES)
    beside = spec.training.tuples if moves_entries(spec) else vectors(spec)
    samples = _halved(samples, lambda size: size * min(size, beside) <= MOST_LIMIT_NUMBERS)
    sampled = (max(2, samples // 8), samples) if has_limit(spec.experiment) else ()
    return PointCost(
        spec=spec,
        trials=_fitted([(_size(spec, width), trials(width)) for width in _probes(spec)]),
        limit=_fitted([(size, limit(size)) for size in sampled]) if sampled else None,
    )


def _probes(spec: Spec) -> tuple[int, int]:
    """A small and a larger width of the same way to hold matrices, neither above the widest of the sweep."""
    largest = min(max(spec.sweep.width), LARGEST_PROBE)
    largest = _halved(largest, lambda width: numbers(spec, width) <= MOST_NUMBERS)
    return max(2, largest // 8), largest


def _halved(size: int, fits: Callable[[int], bool]) -> int:
    """The size, its half, its quarter, ...: the first that fits."""
    while not fits(size):
        size //= 2
    return size


def _size(spec: Spec, width: int) -> int:
    """What the cost of one call grows with."""
    return trials_at_once(spec, width) * numbers(spec, width)


def _held(spec: Spec, bytes_: int) -> int:
    """Entries that are made again for every product need no memory of their own, however many they are.

    Those that move do, and are counted as if updates were kept at every size.
    """
    if moves_entries(spec):
        return bytes_
    most = {"auto": 2 * ENTRY_BYTES, "tiled": ENTRY_BYTES}.get(spec.numerics.matrix)
    return min(bytes_, most) if most and draws_entries(spec) else bytes_


def _timed(compute: Callable[[], object]) -> Cost:
    start = time.perf_counter()
    with PeakBytes() as tensors:
        compute()
    seconds = [time.perf_counter() - start]
    for _ in range(REPEATS if seconds[0] < SLOW_SECONDS else 0):
        start = time.perf_counter()
        compute()
        seconds.append(time.perf_counter() - start)
    return Cost(seconds=min(seconds), bytes=tensors.peak)


def _fitted(measured: Sequence[tuple[int, Cost]]) -> Growth:
    """The line through two measurements; proportional to the size where that line would fall or begin below zero."""
    (small, first), (large, last) = measured

    def line(low: float, high: float) -> tuple[float, float]:
        if large == small or not high > low:
            return 0.0, high / large
        rate = (high - low) / (large - small)
        return (high - rate * large, rate) if rate * large <= high else (0.0, high / large)

    return Growth(seconds=line(first.seconds, last.seconds), bytes=line(first.bytes, last.bytes))
