"""Correlation in words: accuracy against quantiles of the spectrum, for people and for machines."""

import math

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from widthwise.reduce.correlation import Estimate
from widthwise.report.correlation import HIGH, LOW, Correlation, Relation
from widthwise.report.document import TRUTH
from widthwise.report.words import percent

STYLES = {"yes": "green", "no": "bold red", "undetermined": "yellow"}
WORDS = {
    "yes": "Higher quantiles correlate most with accuracy here, as published",
    "no": "Higher quantiles do not correlate most with accuracy here, against what is published",
    "undetermined": "It is undetermined whether higher quantiles correlate most with accuracy here",
}


def correlation_table(correlation: Correlation) -> RenderableType:
    """For each width and point a row for every level, and below what all levels together tell, and the claim."""
    blocks: list[RenderableType] = []
    for relation in correlation.relations:
        title = f"{relation.title}: accuracy against quantiles of log10 of squared singular values that are not 0"
        count = f"{len(relation.accuracy)} architectures, {percent(correlation.confidence)} intervals"
        blocks += [Text(title, style="bold"), Text(count, style="dim"), _levels(correlation, relation)]
        blocks += [Text(_together(relation)), Text(claim_words(relation), style=STYLES[relation.higher]), Text()]
    return Group(*blocks)


def _levels(correlation: Correlation, relation: Relation) -> Table:
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    rows.add_column("level", justify="right", no_wrap=True)
    for heading in ("Spearman", "Pearson"):
        rows.add_column(heading, no_wrap=True)
    found = zip(correlation.levels, relation.spearman, relation.pearson, strict=True)
    for level, by_rank, linear in found:
        rows.add_row(f"{level:g}", _estimate(by_rank), _estimate(linear))
    return rows


def _estimate(found: Estimate) -> Text:
    text = Text(_number(found.value))
    return text if math.isnan(found.low) else text.append(f" ({_number(found.low)} to {_number(found.high)})", "dim")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{round(value, 2) + 0.0:.2f}"  # no minus before a zero


def _together(relation: Relation) -> str:
    fit = relation.fit
    if math.isnan(fit.raw):
        return f"too few architectures for all levels together; gain alone: Spearman {_estimate(relation.gain)}"
    return (
        f"all levels together: R {_number(fit.raw)}, adjusted {_estimate(fit.adjusted)}, "
        f"cross-validated {_estimate(fit.predicted)}; gain alone: Spearman {_estimate(relation.gain)}"
    )


def claim_words(relation: Relation) -> str:
    """One sentence: whether the published claim holds."""
    if math.isnan(relation.difference.value):
        return f"{WORDS[relation.higher]}: too few architectures"
    apart = relation.difference
    return (
        f"{WORDS[relation.higher]}: the Spearman correlation at level {HIGH:g} is stronger than that at {LOW:g} by "
        f"{_number(apart.value)} ({_number(apart.low)} to {_number(apart.high)})"
    )


def correlation_line(correlation: Correlation) -> str:
    """All verdicts counted."""
    counts = {word: sum(each.higher == word for each in correlation.relations) for word in WORDS}
    names = {"yes": "confirmed", "no": "refuted", "undetermined": "undetermined"}
    said = ", ".join(f"{count} {names[word]}" for word, count in counts.items() if count)
    trials = sum(len(each.accuracy) for each in correlation.relations)
    return f"{trials} architectures; higher quantiles correlate most: {said}"


def correlation_json(correlation: Correlation) -> dict[str, object]:
    """Everything the table says as JSON values, null where unknown.

    Returns:
        ``confidence`` and ``results``, a list with for each point and width ``point``, ``width``, ``trials``;
        ``levels``, a list of ``level``, ``spearman`` and ``pearson``; ``gain`` (Spearman); ``R`` with ``raw``,
        ``adjusted`` and ``cross_validated``; ``claim`` with ``difference`` (of Spearman correlations, upper less
        lower) and ``holds``. Correlations are objects of ``value``, ``low``, ``high``.
    """
    results = [_relation(correlation, relation) for relation in correlation.relations]
    return {"confidence": correlation.confidence, "results": results}


def _relation(correlation: Correlation, relation: Relation) -> dict[str, object]:
    fit = relation.fit
    found = zip(correlation.levels, relation.spearman, relation.pearson, strict=True)
    return {
        "point": dict(relation.point),
        "width": relation.width,
        "trials": len(relation.accuracy),
        "levels": [
            {"level": level, "spearman": _plain(by_rank), "pearson": _plain(linear)} for level, by_rank, linear in found
        ],
        "gain": _plain(relation.gain),
        "R": {
            "raw": _known(fit.raw),
            "adjusted": _plain(fit.adjusted),
            "cross_validated": _plain(fit.predicted),
        },
        "claim": {"difference": _plain(relation.difference), "holds": TRUTH[relation.higher]},
    }


def _plain(found: Estimate) -> dict[str, float | None]:
    return {name: _known(getattr(found, name)) for name in ("value", "low", "high")}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
