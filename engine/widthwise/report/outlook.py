"""Outlook: what an adaptive run has reached, and what it would take to halve its error."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from widthwise.reduce.cells import LIMIT, Costs, Counts
from widthwise.reduce.needs import needed
from widthwise.reduce.precision import Precision
from widthwise.report.entries import point_label
from widthwise.report.rounds import Rounds
from widthwise.report.standing import standing
from widthwise.report.words import short
from widthwise.store import Layout, Run
from widthwise.store.layout import unravel


@dataclass(frozen=True, kw_only=True)
class Work:
    """Trials and replicates of the limit over all points and widths, and the seconds that they take one worker."""

    trials: int
    replicates: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Where an adaptive run stands.

    Attributes:
        rounds: how many there were, the first included.
        tolerance: largest half width that was asked for; None if only a time was.
        half_width: largest half width of an interval, relative as its distance; None if none is known.
        where: the readout, point and width of that interval, in words; empty if there is none.
        unknown: number of intervals that are not known.
        reached: whether all are known and within the tolerance; None if there is none.
        done: what is complete.
        halving: what more would halve the largest half width, by measured variances and seconds; None if no more
            trials or replicates would.
    """

    rounds: int
    tolerance: float | None
    half_width: float | None
    where: str
    unknown: int
    reached: bool | None
    done: Work
    halving: Work | None


def outlook(run: Run, rounds: Rounds) -> Outlook:
    """Of a run whose rounds have ended.

    Raises:
        CorruptError: a chunk or the metadata is damaged.
    """
    now = standing(run, rounds.first)
    half_width, unknown = now.half_width, sum(int(np.isnan(each.half_width).sum()) for each in now.precisions)
    known = not math.isnan(half_width)
    more = {}
    if known and half_width > 0:
        wanted = needed(now.precisions, now.counts, now.seconds, half_width / 2)
        more = {cell: wanted[cell] - count for cell, count in now.counts.items() if wanted[cell] > count}
    return Outlook(
        rounds=rounds.number,
        tolerance=rounds.tolerance,
        half_width=half_width if known else None,
        where=next(
            (_where(run.layout, each, half_width) for each in now.precisions if half_width in each.half_width), ""
        ),
        unknown=unknown,
        reached=None if rounds.tolerance is None else not unknown and half_width <= rounds.tolerance,
        done=_work(now.counts, now.seconds),
        halving=_work(more, now.seconds) if more else None,
    )


def outlook_json(outlook: Outlook) -> dict[str, object]:
    """For machines: the fields of `Outlook` and `Work`."""
    return asdict(outlook)


def outlook_words(outlook: Outlook) -> str:
    """For people, in two sentences."""
    if outlook.half_width is None:
        return f"rounds: {outlook.rounds}; no interval is known"
    wanted = "" if outlook.tolerance is None else f", tolerance {outlook.tolerance:g}"
    verdict = {None: "", True: ": reached", False: ": not reached"}[outlook.reached]
    unknown = f"; intervals that are not known: {outlook.unknown}" if outlook.unknown else ""
    halving = (
        "no more trials would halve it"
        if outlook.halving is None
        else f"to halve it takes {_work_words(outlook.halving)} more"
    )
    return (
        f"rounds: {outlook.rounds}; largest half width {short(outlook.half_width)} ({outlook.where}){wanted}{verdict}"
        f"{unknown}\nthat took {_work_words(outlook.done)}; {halving}"
    )


def _work(counts: Counts, seconds: Costs) -> Work:
    return Work(
        trials=sum(count for (_, width), count in counts.items() if width != LIMIT),
        replicates=sum(count for (_, width), count in counts.items() if width == LIMIT),
        seconds=sum(seconds[cell] * count for cell, count in counts.items()),
    )


def _work_words(work: Work) -> str:
    replicates = f" and {work.replicates:,} replicates of the limit" if work.replicates else ""
    return f"{work.trials:,} trials{replicates} ({short(work.seconds, 2)} s on one worker)"


def _where(layout: Layout, each: Precision, half_width: float) -> str:
    width = each.widths[int(np.flatnonzero(each.half_width == half_width)[0])]
    indices = unravel(layout, each.point)
    point = {axis.name: axis.values[index] for axis, index in zip(layout.axes, indices, strict=True)}
    return ", ".join([each.readout, *([point_label(point)] if point else []), f"width {width:,}"])
