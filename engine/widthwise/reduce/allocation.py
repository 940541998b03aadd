"""Allocation: the counts that the next round of an adaptive run brings every cell to."""

from collections.abc import Sequence

from widthwise.reduce.cells import LIMIT, MOST_REPLICATES, MOST_TRIALS, Cell, Costs, Counts, fewest, unknown
from widthwise.reduce.gains import most_gained
from widthwise.reduce.needs import needed
from widthwise.reduce.precision import Precision

GROWTH = 4
"""A cell at most quadruples in a round: the variances that say what it needs are themselves uncertain."""

AIM = 0.8
"""What a round aims at, relative to the tolerance: the fewer looks, the less often does an interval end a run because
it happens to be short, and without a margin every second look would be followed by another."""


def for_tolerance(
    precisions: Sequence[Precision], counts: Counts, costs: Costs, tolerance: float, grain: int
) -> dict[Cell, int]:
    """One round towards intervals of a half width of at most ``tolerance``; ``counts`` where that is reached.

    Args:
        precisions: of every readout at every point, point after point.
        counts: what is complete, of every cell.
        costs: of one trial or replicate, in any unit; they matter only where trials and replicates make an interval
            together.
        tolerance: largest half width.
        grain: trials come in so many at once, replicates one by one.
    """
    wanted = needed(precisions, counts, costs, tolerance, AIM) | unknown(precisions, counts)
    return {cell: _step(cell, count, wanted[cell], grain) for cell, count in counts.items()}


def for_budget(
    precisions: Sequence[Precision], counts: Counts, costs: Costs, budget: float, grain: int, most: Counts | None = None
) -> dict[Cell, int]:
    """One round for at most ``budget``, in the unit of the costs, where it gains most; ``most`` of it if that is less.

    Args:
        precisions: of every readout at every point, point after point.
        counts: what is complete, of every cell.
        costs: of one trial or replicate of every cell.
        budget: what the round may cost.
        grain: trials come in so many at once, replicates one by one.
        most: what a tolerance asks for.
    """
    few = unknown(precisions, counts)
    ends = most or {cell: _step(cell, count, few.get(cell, MOST_TRIALS), grain) for cell, count in counts.items()}
    if most and sum(costs[cell] * (ends[cell] - count) for cell, count in counts.items()) <= budget:
        return dict(most)
    return most_gained(precisions, counts, ends, costs, grain, budget)


def _step(cell: Cell, count: int, wanted: int, grain: int) -> int:
    """In whole microbatches, and no further than a round goes."""
    if wanted <= count:
        return count
    far = min(wanted, max(GROWTH * count, fewest(cell)))
    if cell[1] == LIMIT:
        return max(count, min(far, MOST_REPLICATES))
    return min(-(-far // grain) * grain, MOST_TRIALS)
