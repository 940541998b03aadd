"""What there is to compute, what it costs, and how it is cut into units."""

from widthwise.plan.batching import trials_at_once
from widthwise.plan.cost import Cost, CostModel, Growth, PointCost, calibrate
from widthwise.plan.holdings import holdings
from widthwise.plan.inputs import point_inputs
from widthwise.plan.listing import blocks, replicates_of, trials_of, units
from widthwise.plan.memory import readable_bytes, require_memory, usable_bytes
from widthwise.plan.units import Block, Kind, Unit

__all__ = [
    "Block",
    "Cost",
    "CostModel",
    "Growth",
    "Kind",
    "PointCost",
    "Unit",
    "blocks",
    "calibrate",
    "holdings",
    "point_inputs",
    "readable_bytes",
    "replicates_of",
    "require_memory",
    "trials_at_once",
    "trials_of",
    "units",
    "usable_bytes",
]
