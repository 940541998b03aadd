"""Adaptive runs of synthetic readouts, without a store: as many trials and replicates as the allocation asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from synthetic_runs import SPREAD

from widthwise.reduce.allocation import for_tolerance
from widthwise.reduce.cells import LIMIT, Cell, first_counts
from widthwise.reduce.precision import Precision, precision
from widthwise.reduce.readouts import Readout
from widthwise.reduce.samples import Samples

MICROBATCH = 8
REPLICATE_COST = 1024.0


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """A Gaussian readout of ``size`` numbers at distance SPREAD / sqrt(n) from a limit with |q| = 1.

    The limit is exact, or sampled with error ``limit_error / sqrt(replicates)``.
    """

    widths: Sequence[int]
    size: int = 4
    limit_error: float = 0.0

    @property
    def truth(self) -> np.ndarray:
        """The distance by width."""
        return SPREAD / np.sqrt(self.widths)

    @property
    def costs(self) -> dict[Cell, float]:
        """In proportion to the coordinates."""
        limit = {(0, LIMIT): REPLICATE_COST} if self.limit_error else {}
        return {(0, width): float(width) for width in self.widths} | limit

    def first(self) -> dict[Cell, int]:
        """Counts of the first round."""
        trials, replicates = first_counts(len(self.widths))
        trials = -(-trials // MICROBATCH) * MICROBATCH
        return {cell: replicates if cell[1] == LIMIT else trials for cell in self.costs}


class Draws:
    """Trials and replicates of one run, more of them when more are asked for."""

    def __init__(self, readout: Synthetic, random: np.random.Generator) -> None:
        self._readout, self._random = readout, random
        self._rows = {cell: np.empty((0, readout.size)) for cell in readout.costs}

    def precision(self, counts: Mapping[Cell, int]) -> Precision:
        """With so many trials and replicates."""
        readout = self._readout
        limit = np.full(readout.size, readout.size**-0.5)
        for (point, width), count in counts.items():
            have = self._rows[point, width]
            spread = readout.limit_error if width == LIMIT else SPREAD / np.sqrt(width)
            more = self._random.standard_normal((count - len(have), readout.size))
            self._rows[point, width] = np.concatenate([have, limit + spread / np.sqrt(readout.size) * more])
        samples = Samples(
            widths=np.array(readout.widths, dtype=np.float64),
            trials=tuple(self._rows[0, width] for width in readout.widths),
            limit=self._rows.get((0, LIMIT), np.empty((0, readout.size))),
            exact=None if readout.limit_error else limit,
            arithmetic=None,
        )
        return precision(Readout(point=0, name="kernel", samples=samples, confidence=0.95))


def adaptive(
    readout: Synthetic, random: np.random.Generator, tolerance: float
) -> tuple[Precision, dict[Cell, int], int]:
    """What stands at the end, the counts, and the number of rounds."""
    draws, counts = Draws(readout, random), readout.first()
    for rounds in range(1, 30):
        found = draws.precision(counts)
        wanted = for_tolerance([found], counts, readout.costs, tolerance, MICROBATCH)
        if wanted == counts:
            return found, counts, rounds
        counts = wanted
    message = "30 rounds were not enough"
    raise AssertionError(message)


def covered(found: Precision, truth: np.ndarray) -> np.ndarray:
    """Whether the interval of each width holds the true distance."""
    reach = np.exp(found.quantile * np.sqrt(found.by_trials + found.by_limit))
    low = np.where(found.resolved, found.scale / reach, 0.0)
    high = np.where(found.resolved, found.scale * reach, 2 * found.half_width)
    return (low <= truth) & (truth <= high)


def price(counts: Mapping[Cell, int], costs: Mapping[Cell, float]) -> float:
    """Of everything that is there."""
    return sum(costs[cell] * count for cell, count in counts.items())
