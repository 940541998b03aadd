"""Blocks of a run: everything that a spec asks for, and the runs of blocks that become units."""

import itertools
from collections.abc import Iterable, Sequence

from widthwise.experiments import classifies, has_limit
from widthwise.plan.cost import CostModel
from widthwise.plan.units import Block, Unit
from widthwise.spec import Spec


def trials_of(spec: Spec, width: int) -> int:
    """How many trials ``spec`` asks for at ``width``: of a table, the entry of the largest width not above it."""
    trials = spec.sweep.trials
    return trials if isinstance(trials, int) else trials[max(start for start in trials if start <= width)]


def replicates_of(spec: Spec) -> int:
    """How many replicates of the limit ``spec`` asks for: none of an experiment without one."""
    return spec.limit.replicates if has_limit(spec.experiment) else 0


def blocks(spec: Spec, exact: Sequence[bool]) -> list[Block]:
    """Every block of a run; ``exact[point]`` says whether the limit of that point has a closed form."""
    return [
        block
        for point, has_exact in enumerate(exact)
        for block in (*_trials(spec, point), *_limit(spec, point), *_single(spec, point, has_exact))
    ]


def _trials(spec: Spec, point: int) -> Iterable[Block]:
    microbatch = spec.numerics.microbatch
    for width in spec.sweep.width:
        for index in range(-(-trials_of(spec, width) // microbatch)):
            yield Block(kind="trials", point=point, width=width, index=index)


def _limit(spec: Spec, point: int) -> Iterable[Block]:
    for replicate in range(replicates_of(spec)):
        yield Block(kind="limit", point=point, width=0, index=replicate)


def _single(spec: Spec, point: int, has_exact: bool) -> Iterable[Block]:
    if has_exact:
        yield Block(kind="exact", point=point, width=0, index=0)
    if not classifies(spec.experiment):
        yield Block(kind="arithmetic", point=point, width=0, index=0)


def units(blocks: Iterable[Block], cost: CostModel, target_seconds: float) -> list[Unit]:
    """Units of about ``target_seconds`` each, the longest first.

    A unit holds neighbouring blocks of one kind, point and width, computed one after the other: its seconds add up, its
    bytes are those of one block. A block that takes longer than the target is a unit of its own.
    """
    grouped = itertools.groupby(sorted(blocks), key=lambda block: (block.kind, block.point, block.width))
    made = [_unit(run, cost) for _, group in grouped for run in _runs(list(group), cost, target_seconds)]
    return sorted(made, key=lambda unit: (-unit.seconds, unit.blocks))


def _runs(group: Sequence[Block], cost: CostModel, target_seconds: float) -> Iterable[tuple[Block, ...]]:
    seconds = cost.seconds(group[0])
    length = len(group) if seconds * len(group) <= target_seconds else max(1, int(target_seconds / seconds))
    for start in range(0, len(group), length):
        yield tuple(group[start : start + length])


def _unit(run: tuple[Block, ...], cost: CostModel) -> Unit:
    return Unit(
        blocks=run,
        seconds=sum(cost.seconds(block) for block in run),
        bytes=max(cost.bytes(block) for block in run),
    )
