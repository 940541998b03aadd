"""Memory: what this machine has, and the refusal of a block that does not fit."""

import os
from collections.abc import Iterable
from pathlib import Path

from widthwise.errors import SpecError
from widthwise.plan.batching import moves_entries, trains
from widthwise.plan.cost import CostModel
from widthwise.plan.units import Kind, Span
from widthwise.spec import Spec

CONTROL_GROUP = Path("/sys/fs/cgroup")
"""Where Linux tells a container how much memory it may use."""
RESERVE_BYTES = 1 << 30
"""What Python, torch and the driver take besides tensors."""


def usable_bytes(control_group: Path = CONTROL_GROUP) -> int:
    """Bytes that tensors may take on this machine: its memory, or its container's limit, without a reserve."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = control_group / name
        if limit.is_file() and (text := limit.read_text().strip()).isdigit():
            total = min(total, int(text))
    return max(total - RESERVE_BYTES, RESERVE_BYTES // 2)


def require_memory(spans: Iterable[Span], cost: CostModel, usable: int) -> None:
    """Refuse a run before anything is written if one of its blocks cannot fit into ``usable`` bytes.

    Raises:
        SpecError: names the largest block, what it needs, what there is, and which key to lower.
    """
    largest = max((span.block(0) for span in spans), key=cost.bytes, default=None)
    if largest is None or cost.bytes(largest) <= usable:
        return
    is_limit = largest.kind == "limit"
    what = "limit.samples: one replicate of the limit" if is_limit else f"sweep.width: a trial of width {largest.width}"
    size = "limit.samples" if is_limit else "the largest width"
    advice = f"lower {size}{_between(cost.spec(largest), is_limit=is_limit)} or data.count"
    needed = readable_bytes(cost.bytes(largest))
    message = f"{what} needs {needed} and this machine has {readable_bytes(usable)} for it; {advice}"
    raise SpecError(message)


def lower(kind: Kind) -> str:
    """The key of a spec to lower where a block of this kind needs too much."""
    return "limit.samples or data.count" if kind == "limit" else "sweep.width or data.count"


def _between(spec: Spec, *, is_limit: bool) -> str:
    """Another key that may be lowered where networks are trained."""
    if not trains(spec) or (moves_entries(spec) and not is_limit):
        return ""
    return ", training.tuples" if moves_entries(spec) else ", training.steps"


def readable_bytes(count: int) -> str:
    """Bytes as people read them."""
    units = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
    size, unit = next((pair for pair in units if count >= pair[0]), (1, "bytes"))
    return f"{count / size:.4g} {unit}"
