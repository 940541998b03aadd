"""Transfer in words: best learning rates by width and their drift, for people and for machines."""

import math
from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from widthwise.report.document import TRUTH
from widthwise.report.transfer import STAYS, Losses, Transfer
from widthwise.report.words import percent, short, slope_words

STYLES = {"yes": "green", "no": "bold red", "undetermined": "yellow"}
WORDS = {"yes": "it stays, as expected", "no": "it drifts, where none is expected", "undetermined": "undetermined"}


def transfer_table(transfer: Transfer) -> RenderableType:
    """For each point of the sweep the best rate of every width with the loss there, and the drift in words."""
    blocks: list[RenderableType] = []
    for losses in transfer.points:
        title = f"{losses.title}: best learning rate by width, ± one standard error over trials"
        blocks += [Text(title, style="bold"), _optima(transfer, losses), _verdict(transfer, losses), Text()]
    return Group(*blocks)


def _optima(transfer: Transfer, losses: Losses) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("width", "trials", "best learning rate", "loss there"):
        rows.add_column(heading, justify="right", no_wrap=True)
    for width, best in zip(transfer.widths, losses.optima, strict=True):
        rate = Text("the first or last" if best.trials else "-", style="dim")
        if math.isfinite(best.rate):
            rate = Text(f"{2**best.rate:.3g}").append(_reach(best.variance), style="dim")
        rows.add_row(f"{width:,.0f}", str(best.trials), rate, short(2**best.loss))
    return rows


def _reach(variance: float) -> str:
    return "" if math.isnan(variance) else f" ±{100 * math.expm1(math.log(2) * math.sqrt(variance)):.0f} %"


def _verdict(transfer: Transfer, losses: Losses) -> Text:
    text = Text(f"{drift_words(losses)} ({percent(transfer.confidence)} confidence)")
    if losses.stays is None:
        return text.append("; nothing is expected of it, since features are not learnt", style="dim")
    return text.append(f"; {WORDS[losses.stays]} (a power below {STAYS:g} is none)", style=STYLES[losses.stays])


def drift_words(losses: Losses) -> str:
    """Of which power of the width the best rate is, ``best learning rate like n^s, s = -0.98 ± 0.07``."""
    drift = losses.drift
    if math.isnan(drift.slope):
        return "drift unknown: fewer than three widths have their best rate between others"
    return f"best learning rate like n^s, s = {slope_words(drift.slope, drift.low, drift.high)}"


def transfer_line(transfer: Transfer) -> str:
    """All verdicts counted."""
    widths = f"widths {transfer.widths[0]:,.0f} to {transfer.widths[-1]:,.0f}"
    counts = {word: sum(losses.stays == word for losses in transfer.points) for word in ("yes", "no", "undetermined")}
    names = {"yes": "stay", "no": "drift", "undetermined": "undetermined"}
    said = ", ".join(f"{counts[word]} {names[word]}" for word in names if counts[word])
    return f"{widths}; best learning rates where features are learnt: {said or 'none'}"


def transfer_json(transfer: Transfer) -> dict[str, object]:
    """Everything the table says as JSON values, null where unknown.

    Returns:
        ``confidence``, ``tolerance`` and ``results``, a list with for each point of the sweep ``point``; ``widths``, a
        list of ``width``, ``trials``, ``best_rate``, ``log2_error`` and ``loss``; and ``drift`` with ``slope``,
        ``low``, ``high``, ``expected`` (0, or null where nothing is expected) and ``consistent``.
    """
    results = [_point(transfer, losses) for losses in transfer.points]
    return {"confidence": transfer.confidence, "tolerance": STAYS, "results": results}


def _point(transfer: Transfer, losses: Losses) -> dict[str, object]:
    drift = losses.drift
    return {
        "point": dict(losses.point),
        "widths": list(_widths(transfer, losses)),
        "drift": {
            **{name: _known(getattr(drift, name)) for name in ("slope", "low", "high")},
            "expected": None if losses.stays is None else 0.0,
            "consistent": TRUTH.get(losses.stays or ""),
        },
    }


def _widths(transfer: Transfer, losses: Losses) -> Iterator[dict[str, object]]:
    for width, best in zip(transfer.widths, losses.optima, strict=True):
        found = {"best_rate": 2**best.rate, "log2_error": best.variance**0.5, "loss": 2**best.loss}
        known = {name: _known(value) for name, value in found.items()}
        yield {"width": int(width), "trials": best.trials, **known}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
