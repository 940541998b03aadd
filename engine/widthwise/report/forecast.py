"""Forecast: what a run would compute, how long that would take, what it would hold; nothing is written."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table

from widthwise.plan import CostModel, Span, calibrate, readable_bytes, require_memory, usable_bytes
from widthwise.run import Request, cut, request, survey, workers_here
from widthwise.run.worker import measure_block
from widthwise.spec import Spec
from widthwise.store import RunPath


@dataclass(frozen=True, kw_only=True)
class Row:
    """The missing blocks of one kind and width at all points: how many, seconds of all, bytes while one is computed."""

    kind: str
    width: int
    blocks: int
    seconds: float
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """``seconds`` on ``workers`` workers once these have started; ``stored_bytes`` of all blocks, uncompressed."""

    rows: tuple[Row, ...]
    units: int
    missing_blocks: int
    stored_blocks: int
    workers: int
    seconds: float
    stored_bytes: int


def forecast(spec: Spec, path: RunPath, *, workers: int | None, extend: bool, fresh: bool) -> Forecast:
    """What `run.execute` would do with the same arguments, found by measuring small blocks.

    Raises:
        SpecError: the spec or its data cannot be used, or a block does not fit into memory.
        IdentityError: ``path`` holds another run, or less than is asked for without ``extend``.
    """
    found = survey(request(spec), path.absolute(), extend=extend, fresh=fresh)
    cost = calibrate(found.asked.spec, found.asked.inputs, measure_block)
    require_memory(found.missing, cost, usable_bytes())
    crew = max(1, min(workers or workers_here(spec.numerics), found.missing_blocks))
    units = [unit for each in cut(found.missing, cost, crew) for unit in each]
    total = sum(unit.seconds for unit in units)
    return Forecast(
        rows=_rows(found.missing, cost),
        units=len(units),
        missing_blocks=found.missing_blocks,
        stored_blocks=found.stored_blocks,
        workers=crew,
        seconds=max([total / crew, *(unit.seconds for unit in units)]),
        stored_bytes=_stored_bytes(found.asked),
    )


def _rows(missing: Sequence[Span], cost: CostModel) -> tuple[Row, ...]:
    rows: list[Row] = []
    for (kind, width), group in groupby(sorted(missing, key=_kind_and_width), key=_kind_and_width):
        spans = list(group)
        rows.append(
            Row(
                kind=kind,
                width=width,
                blocks=sum(span.count for span in spans),
                seconds=sum(cost.seconds(span.block(0)) * span.count for span in spans),
                bytes=max(cost.bytes(span.block(0)) for span in spans),
            )
        )
    return tuple(rows)


def _kind_and_width(span: Span) -> tuple[str, int]:
    return span.kind, span.width


def _stored_bytes(asked: Request) -> int:
    """Eight bytes for every number of every block."""
    numbers = sum(math.prod(readout.shape) for readout in asked.layout.readouts)
    replicates = sum(span.count * (asked.layout.microbatch if span.kind == "trials" else 1) for span in asked.spans())
    return 8 * numbers * replicates


def forecast_json(forecast: Forecast) -> dict[str, object]:
    """The forecast for machines: the fields of `Forecast` and `Row`."""
    return asdict(forecast)


def forecast_table(forecast: Forecast) -> RenderableType:
    """The forecast for people."""
    table = Table("kind", box=None, pad_edge=False)
    for column in ("width", "blocks", "seconds", "memory of one"):
        table.add_column(column, justify="right")
    for row in forecast.rows:
        width = f"{row.width:,}" if row.width else "\N{INFINITY}" if row.kind == "limit" else ""
        table.add_row(row.kind, width, str(row.blocks), f"{row.seconds:.2f}", readable_bytes(row.bytes))
    there = f", {forecast.stored_blocks} blocks are there already" if forecast.stored_blocks else ""
    summary = (
        f"{forecast.units} units of {forecast.missing_blocks} blocks{there}; about {forecast.seconds:.1f} s on "
        f"{forecast.workers} workers; the store holds {readable_bytes(forecast.stored_bytes)} before compression"
    )
    return Group(table, summary)
