"""cut: missing blocks to units of a size that suits the number of workers."""

from collections.abc import Sequence

from widthwise.plan import Block, CostModel, Unit, units

UNITS_PER_WORKER = 8
"""Enough that no worker waits long for the last unit of another."""
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 30.0
"""Between these a unit is meant to last: well above the cost of a call, and little is lost with a worker."""


def cut(missing: Sequence[Block], cost: CostModel, workers: int) -> list[Unit]:
    """Units that keep ``workers`` workers busy to the end; their size changes nothing in the results."""
    share = sum(cost.seconds(block) for block in missing) / (workers * UNITS_PER_WORKER)
    return units(missing, cost, min(max(share, SHORTEST_SECONDS), LONGEST_SECONDS))
