"""Gains: which trials and replicates shorten the intervals most for what they cost."""

import heapq
from collections.abc import Sequence

import numpy as np

from widthwise.reduce.cells import LIMIT, Cell, Costs, Counts, unknown
from widthwise.reduce.precision import Precision


def most_gained(
    precisions: Sequence[Precision], counts: Counts, most: Counts, costs: Costs, grain: int, budget: float
) -> dict[Cell, int]:
    """The counts that ``budget`` buys, each part of it where it lowers the sum of the squared half widths most.

    Counts that are bought so are in proportion to spread / sqrt(cost), as in Neyman's allocation of a sample to strata,
    but for what is there already and what is ``most``. A cell that has too few for a variance comes first.

    Args:
        precisions: of every readout at every point.
        counts: what is complete, of every cell.
        most: no more than this.
        costs: of one trial or replicate of every cell.
        grain: trials come in so many at once, replicates one by one.
        budget: in the unit of the costs.

    Returns:
        For every cell its present count or more.

    Source:
        J. Neyman, J. Roy. Statist. Soc. 97 (1934), with costs as in W. G. Cochran, Sampling Techniques (1977), 5.5.
    """
    bought = dict(counts)
    spreads = _spreads(precisions, counts)

    def offer(cell: Cell) -> tuple[float, Cell, int]:
        count = bought[cell]
        size = 1 if cell[1] == LIMIT else grain - count % grain
        gain = spreads[cell] * (1 / max(count, 1) - 1 / (max(count, 1) + size))
        return -gain / (size * costs[cell]), cell, size

    offers = [offer(cell) for cell in counts if spreads[cell] > 0]
    heapq.heapify(offers)
    while offers:
        _, cell, size = heapq.heappop(offers)
        price = size * costs[cell]
        if price <= budget and bought[cell] < most[cell]:
            budget -= price
            bought[cell] += size
            heapq.heappush(offers, offer(cell))
    return bought


def _spreads(precisions: Sequence[Precision], counts: Counts) -> dict[Cell, float]:
    """Of each cell what a single trial or replicate would add to the sum of squared half widths; 0 if it has gaps."""
    found = dict.fromkeys(counts, 0.0)
    for each in precisions:
        by_trials, by_limit = each.squares()
        if (each.point, LIMIT) in found:
            found[each.point, LIMIT] += float(np.nansum(by_limit)) * each.replicates
        for width, own, trials in zip(each.widths, by_trials.tolist(), each.trials.tolist(), strict=True):
            if own > 0 and trials == counts[each.point, width]:
                found[each.point, width] += own * trials
    return found | dict.fromkeys(unknown(precisions, counts), np.inf)
