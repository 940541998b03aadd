"""cut: missing blocks to series of units of a size that suits the number of workers."""

from collections.abc import Sequence

from widthwise.plan import CostModel, Series, Span, series

UNITS_PER_WORKER = 8
"""Enough that no worker waits long for the last unit of another."""
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 30.0
"""Between these a unit is meant to last: well above the cost of a call, and little is lost with a worker."""


def cut(missing: Sequence[Span], cost: CostModel, workers: int) -> list[Series]:
    """Units that keep ``workers`` workers busy to the end; their size changes nothing in the results."""
    share = sum(cost.seconds(span.block(0)) * span.count for span in missing) / (workers * UNITS_PER_WORKER)
    return series(missing, cost, min(max(share, SHORTEST_SECONDS), LONGEST_SECONDS))
