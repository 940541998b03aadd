"""Cells: what can be given more of, and how much of it there is."""

import math
from collections.abc import Iterable, Mapping

from widthwise.reduce.precision import Precision

Cell = tuple[int, int]
"""A flat sweep point and a width, for trials. The width `LIMIT` stands for the limit of the point: its replicates."""

Counts = Mapping[Cell, int]
Costs = Mapping[Cell, float]
"""Of one trial or replicate."""

LIMIT = 0

FEWEST_TRIALS, FEWEST_REPLICATES = 8, 4
"""Below these a variance is a guess."""

FEWEST_AT_ALL_WIDTHS = 32
"""Trials at a sweep point that the first decision looks at, which pools variances over widths: an interval that ends a
run because it happens to be short covers less often, the more so the fewer trials it is from."""

MOST_TRIALS, MOST_REPLICATES = 10**7, 4096
"""What a spec may ask for."""


def fewest(cell: Cell) -> int:
    """How many trials or replicates tell a variance."""
    return FEWEST_REPLICATES if cell[1] == LIMIT else FEWEST_TRIALS


def first_counts(widths: int) -> tuple[int, int]:
    """Trials at each of so many widths, and replicates of a sampled limit, that the first decision looks at."""
    return max(FEWEST_TRIALS, -(-FEWEST_AT_ALL_WIDTHS // widths)), FEWEST_REPLICATES


def unknown(precisions: Iterable[Precision], counts: Counts) -> dict[Cell, int]:
    """The cells that have too few for a variance and an interval that is unknown; and what they need."""
    cells = {
        cell
        for each in precisions
        for half_width, width in zip(each.half_width.tolist(), each.widths, strict=True)
        if math.isnan(half_width)
        for cell in ((each.point, width), (each.point, LIMIT))
    }
    return {cell: fewest(cell) for cell in sorted(cells & counts.keys()) if counts[cell] < fewest(cell)}
