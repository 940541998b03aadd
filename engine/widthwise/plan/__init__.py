"""What there is to compute, what it costs, and how it is cut into units."""

from widthwise.plan.batching import trials_at_once
from widthwise.plan.cost import Cost, CostModel, Growth, PointCost, calibrate
from widthwise.plan.effort import replicate_effort, trial_effort
from widthwise.plan.holdings import holdings
from widthwise.plan.inputs import point_inputs
from widthwise.plan.listing import replicates_of, series, spans, trials_of
from widthwise.plan.memory import lower, readable_bytes, require_memory, usable_bytes
from widthwise.plan.units import Block, Kind, Series, Span, Unit, joined

__all__ = [
    "Block",
    "Cost",
    "CostModel",
    "Growth",
    "Kind",
    "PointCost",
    "Series",
    "Span",
    "Unit",
    "calibrate",
    "holdings",
    "joined",
    "lower",
    "point_inputs",
    "readable_bytes",
    "replicate_effort",
    "replicates_of",
    "require_memory",
    "series",
    "spans",
    "trial_effort",
    "trials_at_once",
    "trials_of",
    "usable_bytes",
]
