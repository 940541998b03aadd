"""Needs: how many trials and replicates make every interval short enough, as the measured variances say."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from widthwise.reduce.cells import LIMIT, MOST_REPLICATES, MOST_TRIALS, Cell, Costs, Counts
from widthwise.reduce.precision import Precision
from widthwise.reduce.samples import Array

STEPS_OF_DOUBLING = 8
"""Numbers of replicates that are tried lie so many to a factor of two."""


def needed(
    precisions: Iterable[Precision], counts: Counts, costs: Costs, tolerance: float, aim: float = 1.0
) -> dict[Cell, int]:
    """The counts at which every interval has a half width of at most ``tolerance``.

    Trials at a width are shared by all readouts there, replicates by all widths. Where both make an interval, there
    are as many replicates as make everything cheapest. What no number of replicates can do is left undone.

    Args:
        precisions: of every readout at every point, point after point.
        counts: what is complete, of every cell.
        costs: of one trial or replicate of every cell, in any unit.
        tolerance: largest half width.
        aim: intervals that are too long are made as short as this share of the tolerance.

    Returns:
        For every cell its present count, or more where that shortens an interval that is too long.
    """
    wanted = dict(counts)
    for point, group in itertools.groupby(precisions, key=lambda each: each.point):
        readouts = list(group)
        alone = [_alone(each, counts, tolerance, aim) for each in readouts]
        held = counts.get((point, LIMIT), 0)
        tried = _tried(held) if held and any(replicates.any() for _, replicates in alone) else [held]
        beside = (_trials_beside(replicates, alone, last=replicates == tried[-1]) for replicates in tried)
        cells = [(point, width) for width in readouts[0].widths]
        options = [
            {(point, LIMIT): float(replicates)} | dict(zip(cells, trials.tolist(), strict=True))
            for replicates, trials in zip(tried, beside, strict=True)
        ]
        cheapest = min(options, key=lambda option: _price(option, counts, costs))
        for cell in cheapest.keys() & counts.keys():
            wanted[cell] = max(counts[cell], math.ceil(min(cheapest[cell], MOST_TRIALS)))
    return wanted


def _alone(each: Precision, counts: Counts, tolerance: float, aim: float) -> tuple[Array, Array]:
    """By width the trials that a curve needs if its limit had no noise, and the replicates if trials had none.

    Nothing where its interval is short enough, or where trials have a gap, which more of them do not close.
    """
    whole = each.trials == [counts[each.point, width] for width in each.widths]
    too_long = whole & (each.half_width > tolerance)
    allowed = each.allowed(aim * tolerance)
    with np.errstate(invalid="ignore", divide="ignore"):
        trials, replicates = each.by_trials * each.trials / allowed, each.by_limit * each.replicates / allowed
    return np.where(too_long, trials, 0.0), np.where(too_long, replicates, 0.0)


def _trials_beside(replicates: int, alone: Sequence[tuple[Array, Array]], *, last: bool) -> Array:
    """By width A / (1 - B / R), A and B being what is needed alone.

    Infinite where R replicates are too few; nothing if they are the ``last`` that there can be.
    """
    found = np.zeros_like(alone[0][0])
    for trials, limit in alone:
        left = 1.0 - limit / max(replicates, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.maximum(found, np.where(left > 0, trials / left, 0.0 if last else np.inf))
    return found


def _price(option: Mapping[Cell, float], counts: Counts, costs: Costs) -> float:
    return sum(costs[cell] * max(count - counts[cell], 0.0) for cell, count in option.items() if cell in counts)


def _tried(held: int) -> list[int]:
    """Replicates from those that are there to the most, in nearly equal ratios."""
    steps = max(0, math.ceil(STEPS_OF_DOUBLING * math.log2(MOST_REPLICATES / held)))
    more = (math.ceil(held * 2 ** (step / STEPS_OF_DOUBLING)) for step in range(steps + 1))
    return sorted({held, *(min(count, max(MOST_REPLICATES, held)) for count in more)})
