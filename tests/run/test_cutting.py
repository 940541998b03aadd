"""cut: nothing lost, enough units for every worker, none too short or too long."""

import pytest

from widthwise.plan import CostModel, Growth, PointCost, Span
from widthwise.run import cut
from widthwise.run.cutting import LONGEST_SECONDS, SHORTEST_SECONDS, UNITS_PER_WORKER
from widthwise.spec import load_spec

SPAN = Span("limit", 0, 0, 0, 400)


def cost_of(seconds: float) -> CostModel:
    """Every block of the limit takes ``seconds``."""
    spec = load_spec({"experiment": "nngp"})
    growth = Growth(seconds=(seconds, 0.0), bytes=(1.0, 0.0))
    return CostModel(by_point={0: PointCost(spec=spec, trials=growth, limit=growth)})


@pytest.mark.parametrize("seconds", [1e-4, 0.1, 10.0, 100.0])
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_units_hold_every_block_once_and_have_a_sensible_length(seconds: float, workers: int) -> None:
    units = [unit for series in cut([SPAN], cost_of(seconds), workers) for unit in series]
    assert sorted(block for unit in units for block in unit.blocks) == list(SPAN.blocks)
    assert max(unit.seconds for unit in units) <= max(LONGEST_SECONDS, seconds)
    total = seconds * SPAN.count
    if total > workers * UNITS_PER_WORKER * SHORTEST_SECONDS:
        assert len(units) >= min(workers * UNITS_PER_WORKER, SPAN.count)
    else:
        assert len(units) <= total / SHORTEST_SECONDS + 1
