"""How a run goes: one bar with the time left and the curves so far under it, or plain lines where nobody watches."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from widthwise.errors import WidthwiseError
from widthwise_cli.output import messages

if TYPE_CHECKING:
    from widthwise.report.pipeline import Curves
    from widthwise.report.rounds import Rounds
    from widthwise.run import Progress as Report

TABLE_SECONDS = 2.0
"""Shortest time between two tables."""
TABLE_SHARE = 10
"""A table is made again only after so many times the time it took."""
LINE_SECONDS = 10.0
"""Time between two plain lines."""


@contextmanager
def watching(curves: Callable[[], "Curves"], rounds: "Rounds | None" = None) -> "Generator[Callable[[Report], None]]":
    """A receiver of progress reports; what it shows disappears with the context, plain lines stay."""
    if not messages.is_terminal:
        yield _Lines(rounds)
        return
    with Live(console=messages, transient=True, auto_refresh=False) as live:
        yield _Screen(live, curves, rounds)


def describe(report: "Report", rounds: "Rounds | None" = None) -> str:
    """``12 of 40 units, 3 min left, workers: 2``, and how often something failed if anything did.

    Of an adaptive run ``round 2, largest half width 0.031, tolerance 0.01: `` stands before it.
    """
    return f"{_describe_rounds(rounds)}{_describe(report)}" if rounds else _describe(report)


def _describe_rounds(rounds: "Rounds") -> str:
    reached = "" if math.isnan(rounds.half_width) else f", largest half width {rounds.half_width:.2g}"
    wanted = "" if rounds.tolerance is None else f", tolerance {rounds.tolerance:g}"
    return f"round {rounds.number}{reached}{wanted}: "


def _describe(report: "Report") -> str:
    left = f", {duration(report.seconds_left)} left" if report.seconds_left else ""
    failures = f", failed attempts: {report.failures}" if report.failures else ""
    return f"{report.done_units} of {report.total_units} units{left}, workers: {report.workers}{failures}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class _Lines:
    """One line at the start, every ten seconds, and at the end."""

    def __init__(self, rounds: "Rounds | None") -> None:
        self._rounds = rounds
        self._next = 0.0
        self._last = ""

    def __call__(self, report: "Report") -> None:
        now, line = time.monotonic(), describe(report, self._rounds)
        if line == self._last or (now < self._next and report.done_units < report.total_units):
            return
        self._next, self._last = now + LINE_SECONDS, line
        messages.print(line, markup=False)


class _Screen:
    """A bar, and under it the table of what is complete."""

    def __init__(self, live: Live, curves: Callable[[], "Curves"], rounds: "Rounds | None") -> None:
        self._live = live
        self._curves = curves
        self._rounds = rounds
        self._bar = Progress(BarColumn(bar_width=40), TextColumn("{task.description}"))
        self._task = self._bar.add_task("", total=None)
        self._table: RenderableType = Text("")
        self._next_table = time.monotonic() + TABLE_SECONDS

    def __call__(self, report: "Report") -> None:
        self._bar.update(
            self._task,
            completed=report.done_units,
            total=report.total_units,
            description=describe(report, self._rounds),
        )
        if time.monotonic() >= self._next_table:
            self._refresh_table()
        self._live.update(Group(self._bar, self._table), refresh=True)

    def _refresh_table(self) -> None:
        from widthwise.report import table

        start = time.monotonic()
        try:
            self._table = table(*self._curves())
        except WidthwiseError as error:
            # The run itself will meet what is wrong, if it lasts; a table that cannot be made stops nothing.
            self._table = Text(f"no table yet: {error}")
        now = time.monotonic()
        self._next_table = now + max(TABLE_SECONDS, TABLE_SHARE * (now - start))
