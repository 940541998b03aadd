"""What `Watch` sees, for people and for machines."""

from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table

from widthwise.report.watch import Overview


def overview_json(overview: Overview) -> dict[str, object]:
    """The overview for machines: its fields, and ``done``, ``total`` and ``complete``."""
    counts = {"done": overview.done, "total": overview.total, "complete": overview.complete}
    return {**asdict(overview), **counts}


def overview_table(overview: Overview) -> RenderableType:
    """The overview for people."""
    shares = Table("kind", "width", "blocks", "", box=None, pad_edge=False)
    for share in overview.shares:
        width = f"{share.width:,}" if share.width else ""
        shares.add_row(share.kind, width, f"{share.done} of {share.total}", _bar(share.done, share.total))
    workers = Table("worker", "node", "computes", "for", box=None, pad_edge=False)
    for at in overview.workers:
        unit = f"point {at.point}, {at.kind} {at.width or ''}, blocks {at.first} to {at.first + at.count - 1}"
        workers.add_row(str(at.worker), at.node, unit if at.kind else "nothing yet", f"{at.seconds:.0f} s")
    return Group(_summary(overview), shares, *([workers] if overview.workers else []))


def _bar(done: int, total: int) -> str:
    filled = 20 * done // max(total, 1)
    return "\N{FULL BLOCK}" * filled + "\N{LIGHT SHADE}" * (20 - filled)


def _summary(overview: Overview) -> str:
    left = overview.seconds_left
    time_left = f", about {left / 60:.0f} min left" if left is not None and overview.driver else ""
    lines = [
        f"driver: {overview.driver or 'none'}",
        f"{overview.done} of {overview.total} blocks, {overview.blocks_per_minute:.0f} a minute{time_left}",
    ]
    if overview.failures or overview.given_up:
        lines.append(f"failed attempts: {overview.failures}, units given up: {overview.given_up}")
    if overview.error:
        lines.append(f"the driver ended: {overview.error}")
    return "\n".join(lines)
