"""Failures: what of a run was given up, at which point of the sweep, why, and how to see it happen again."""

from widthwise.errors import IncompleteError
from widthwise.plan import Block
from widthwise.run import Quarantine, RunOutcome
from widthwise.store import Run, open_run
from widthwise.store.layout import unravel

MOST = 10
"""Failures that are told one by one."""


def failures(outcome: RunOutcome) -> list[str]:
    """A paragraph for each unit that was given up, and where to read more."""
    if not outcome.quarantined:
        return []
    run = open_run(outcome.path)
    told = [_paragraph(quarantine, run) for quarantine in outcome.quarantined[:MOST]]
    more = len(outcome.quarantined) - len(told)
    others = f" of these and {more} more" if more else ""
    return [*told, f"tracebacks{others}: {outcome.log}"]


def require_complete(outcome: RunOutcome) -> None:
    """Raises IncompleteError if units were quarantined; names the first."""
    if not outcome.quarantined:
        return
    first, count = outcome.quarantined[0], sum(quarantine.unit.span.count for quarantine in outcome.quarantined)
    message = (
        f"{outcome.path}: {count} blocks could not be computed and are missing from the curves; the first, "
        f"{_where(_block(first), open_run(outcome.path))}, failed {first.attempts} times with: {first.error}; "
        "remove the cause and run the same command again"
    )
    raise IncompleteError(message)


def _paragraph(quarantine: Quarantine, run: Run) -> str:
    block, span = _block(quarantine), quarantine.unit.span
    last = span.first + span.count - 1
    beside = f" (given up with the blocks {span.first} to {last} of its unit)" if span.count > 1 else ""
    call = f"remeasure({str(run.path)!r}, {block.kind!r}, {block.point}, {block.width}, {block.index})"
    return (
        f"failed {quarantine.attempts} times: {_where(block, run)}{beside}: {quarantine.error}\n"
        f'  see it here: python -c "from widthwise.run import remeasure; {call}"\n'
        "  or all of it in this process: the same command with --address inline"
    )


def _block(quarantine: Quarantine) -> Block:
    """The block that raised; where a worker died the first of its unit."""
    return quarantine.block or quarantine.unit.span.block(0)


def _where(block: Block, run: Run) -> str:
    """``model.depth = 4: trials at width 64, block 5``."""
    axes = run.layout.axes
    values = (axis.values[index] for axis, index in zip(axes, unravel(run.layout, block.point), strict=True))
    swept = ", ".join(f"{axis.name} = {value}" for axis, value in zip(axes, values, strict=True))
    width = f" at width {block.width}" if block.width else ""
    return f"{f'{swept}: ' if swept else ''}{block.kind}{width}, block {block.index}"
