"""Sizes: the panel of a readout's norm against the width, a pure rearrangement."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from widthwise.report.entries import Entry, number, point_label

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Size:
    """The norm of a readout by width with its errors, and that of its limit, at one point of a sweep."""

    label: str
    values: Array
    errors: Array
    limit: float


@dataclass(frozen=True, kw_only=True)
class SizePanel:
    """Sizes in one pair of axes; ``widths`` are all widths of the run."""

    title: str
    subtitle: str
    widths: Array
    sizes: tuple[Size, ...]


def size_panel(points: Sequence[Entry]) -> SizePanel | None:
    """A colour for each point of the sweep; None for a readout that is not looked at so."""
    if "size" not in points[0].curves or not np.isfinite(points[0].curves["size"].to_numpy()).any():
        return None
    return SizePanel(
        title=f"{points[0].readout}, size",
        subtitle="dashed: size of the limit, where it is not 0",
        widths=points[0].curves["width"].to_numpy().astype(np.float64),
        sizes=tuple(
            Size(
                label=point_label(entry.point),
                values=entry.curves["size"].to_numpy(),
                errors=entry.curves["size_error"].to_numpy(),
                limit=number(entry.curves, "limit_size"),
            )
            for entry in points
        ),
    )
