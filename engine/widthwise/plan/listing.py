"""Spans of a run: all blocks that a spec asks for, and the series of units that they are cut into."""

from collections.abc import Iterable, Sequence

from widthwise.experiments import classifies, has_limit
from widthwise.plan.cost import CostModel
from widthwise.plan.units import Series, Span
from widthwise.spec import Spec


def trials_of(spec: Spec, width: int) -> int:
    """How many trials ``spec`` asks for at ``width``: of a table, the entry of the largest width not above it."""
    trials = spec.sweep.trials
    return trials if isinstance(trials, int) else trials[max(start for start in trials if start <= width)]


def replicates_of(spec: Spec) -> int:
    """How many replicates of the limit ``spec`` asks for: none of an experiment without one."""
    return spec.limit.replicates if has_limit(spec.experiment) else 0


def spans(spec: Spec, exact: Sequence[bool]) -> list[Span]:
    """Every block of a run; ``exact[point]`` says whether the limit of that point has a closed form."""
    return [
        span
        for point, has_exact in enumerate(exact)
        for span in (*_trials(spec, point), *_limit(spec, point), *_single(spec, point, has_exact))
    ]


def _trials(spec: Spec, point: int) -> Iterable[Span]:
    microbatch = spec.numerics.microbatch
    for width in spec.sweep.width:
        yield Span("trials", point, width, 0, -(-trials_of(spec, width) // microbatch))


def _limit(spec: Spec, point: int) -> Iterable[Span]:
    if replicates := replicates_of(spec):
        yield Span("limit", point, 0, 0, replicates)


def _single(spec: Spec, point: int, has_exact: bool) -> Iterable[Span]:
    if has_exact:
        yield Span("exact", point, 0, 0, 1)
    if not classifies(spec.experiment):
        yield Span("arithmetic", point, 0, 0, 1)


def series(spans: Iterable[Span], cost: CostModel, target_seconds: float) -> list[Series]:
    """Units of about ``target_seconds`` each; a block that takes longer than that is a unit of its own."""
    return [_series(span, cost, target_seconds) for span in spans]


def _series(span: Span, cost: CostModel, target_seconds: float) -> Series:
    seconds = cost.seconds(span.block(0))
    whole = seconds * span.count <= target_seconds
    length = span.count if whole else max(1, int(target_seconds / seconds))
    return Series(span, length, seconds, cost.bytes(span.block(0)))
