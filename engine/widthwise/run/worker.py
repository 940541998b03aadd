"""Unit -> blocks: the numbers of a block, a pure function of the spec's identity and the block's address."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from widthwise import experiments
from widthwise.experiments import Experiment
from widthwise.plan import Block, trials_at_once
from widthwise.spaces import FiniteSpace, KetSpace, Shard
from widthwise.spec import Spec, point

ARITHMETIC_WIDTH = 1024
"""Width at which the rounding error of a trial is measured."""


def measure_block(
    spec: Spec, inputs: Sequence[np.ndarray], block: Block, shard: Shard | None = None
) -> dict[str, np.ndarray]:
    """The readouts of one block.

    Args:
        spec: the whole run.
        inputs: the constant inputs of every sweep point, each (input, feature).
        block: which chunk to compute.
        shard: member of a group of which each has some of the samples of the limit; all measure the block together and
            all return the same numbers, bit for bit those without shards. Of other blocks every member computes all.

    Returns:
        By readout name, float64 (replicates of the block, *readout.shape).

    Raises:
        SpecError: the samples of the limit cannot be shared by so many.
        ProgramError: the program does what shards cannot do together.
        ShardLostError: another member is lost, silent or out of step.
    """
    here = point(spec, block.point).spec
    experiment = experiments.build(here.experiment, here.tables, inputs[block.point])
    if block.kind == "trials":
        return _trials(here, experiment, block)
    if block.kind == "limit":
        return _limit(here, experiment, block.index, shard)
    if block.kind == "arithmetic":
        return _arithmetic(here, experiment)
    assert experiment.exact is not None
    return {name: value[None] for name, value in experiment.exact().items()}


def _trials(spec: Spec, experiment: Experiment, block: Block) -> dict[str, np.ndarray]:
    numerics = spec.numerics
    at_once = trials_at_once(spec, block.width)
    start = block.index * numerics.microbatch
    parts: list[dict[str, np.ndarray]] = []
    for first in range(start, start + numerics.microbatch, at_once):
        space = FiniteSpace(
            block.width,
            min(at_once, start + numerics.microbatch - first),
            seed=spec.seed,
            first=first,
            dtype=getattr(torch, numerics.dtype),
            device=numerics.device,
            matrix=numerics.matrix,
        )
        parts.append(_arrays(experiment.measure(space)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _limit(spec: Spec, experiment: Experiment, replicate: int, shard: Shard | None) -> dict[str, np.ndarray]:
    space = KetSpace(
        spec.limit.samples,
        seed=spec.seed,
        first=replicate,
        estimator=spec.limit.estimator,
        dtype=getattr(torch, spec.numerics.dtype),
        device=spec.numerics.device,
        shard=shard,
    )
    with space.together():
        return _arrays(space.agreed(experiment.measure(space)))


def _arithmetic(spec: Spec, experiment: Experiment) -> dict[str, np.ndarray]:
    """What rounding does to one trial: float32 against float64 on the same numbers, scaled to the run's dtype."""
    single, double = (
        _arrays(
            experiment.measure(FiniteSpace(ARITHMETIC_WIDTH, seed=spec.seed, dtype=dtype, device=spec.numerics.device))
        )
        for dtype in (torch.float32, torch.float64)
    )
    rounding = torch.finfo(getattr(torch, spec.numerics.dtype)).eps / torch.finfo(torch.float32).eps
    return {name: (single[name] - double[name]) * rounding for name in single}


def _arrays(readouts: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.detach().cpu().double().numpy() for name, value in readouts.items()}
