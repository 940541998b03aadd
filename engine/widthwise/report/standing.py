"""Standing: what an adaptive run holds, how wide its intervals are, and what a trial or replicate takes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan

import xarray as xr

from widthwise.plan import replicate_effort, trial_effort
from widthwise.reduce.cells import LIMIT, Cell, Costs, Counts
from widthwise.reduce.precision import Precision, precisions
from widthwise.spec import Spec, points
from widthwise.store import Entry, Run, open_results, read_journal


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Of everything complete.

    Attributes:
        precisions: of every readout at every point, point after point.
        counts: complete trials of every point and width; of a limit that is sampled, and that distances are from, its
            replicates.
        efforts: of one trial or replicate, by the spec alone, in a unit of their own.
        seconds: the same as measured; where nothing was, in proportion to the effort.
    """

    precisions: tuple[Precision, ...]
    counts: Counts
    efforts: Costs
    seconds: Costs

    @property
    def half_width(self) -> float:
        """The largest of all intervals that are known; NaN if none is."""
        return max(
            (float(width) for each in self.precisions for width in each.half_width if width == width), default=nan
        )


def standing(run: Run, spec: Spec) -> Standing:
    """Of the run of a spec.

    Raises:
        CorruptError: a chunk or the metadata is damaged.
    """
    tree = open_results(run.path)
    found = tuple(precisions(tree, spec.verdict.confidence, (readout.name for readout in run.layout.readouts)))
    entries = tuple(read_journal(run.path).values())
    counts = _trials(tree) | _replicates(found, entries)
    efforts = _efforts(spec, counts)
    return Standing(
        precisions=found,
        counts=counts,
        efforts=efforts,
        seconds=_seconds(entries, efforts, run.layout.microbatch),
    )


def _trials(tree: xr.DataTree) -> dict[Cell, int]:
    counts = tree["trials"]["trial_count"].transpose(..., "width")
    widths = counts["width"].to_numpy().tolist()
    rows = counts.to_numpy().reshape(-1, len(widths)).tolist()
    return {(point, width): count for point, row in enumerate(rows) for width, count in zip(widths, row, strict=True)}


def _replicates(found: Iterable[Precision], entries: Iterable[Entry]) -> dict[Cell, int]:
    """Replicates before the first gap, at points where they matter."""
    sampled = {each.point for each in found if each.replicates}
    stored = {(entry.block.point, entry.block.index) for entry in entries if entry.block.kind == "limit"}
    counts = dict.fromkeys(((point, LIMIT) for point in sorted(sampled)), 0)
    for point, index in sorted(stored):
        if counts.get((point, LIMIT)) == index:
            counts[point, LIMIT] += 1
    return counts


def _efforts(spec: Spec, counts: Counts) -> dict[Cell, float]:
    resolved = [point.spec for point in points(spec)]
    return {
        (point, width): replicate_effort(resolved[point]) if width == LIMIT else trial_effort(resolved[point], width)
        for point, width in counts
    }


def _seconds(entries: Iterable[Entry], efforts: Mapping[Cell, float], microbatch: int) -> dict[Cell, float]:
    measured: defaultdict[Cell, list[float]] = defaultdict(list)
    for entry in entries:
        cell, size = (entry.block.point, entry.block.width), microbatch if entry.block.kind == "trials" else 1
        if entry.block.kind in ("trials", "limit") and cell in efforts:
            measured[cell].append(entry.seconds / size)
    means = {cell: sum(seconds) / len(seconds) for cell, seconds in measured.items()}
    pace = sum(means.values()) / max(sum(efforts[cell] for cell in means), 1.0)
    return {cell: means.get(cell) or pace * effort or 1.0 for cell, effort in efforts.items()}
