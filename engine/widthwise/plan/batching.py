"""How many trials share one call: a function of the spec's identity and the width, never of the machine."""

from widthwise.experiments import draws_entries as experiment_draws_entries
from widthwise.experiments import moves_entries as experiment_moves_entries
from widthwise.experiments import tables_of
from widthwise.spec import Spec

COORDINATES_AT_ONCE = 1 << 17
"""Trials times width that one call computes: enough to keep small networks busy, few enough to stay in memory."""

ENTRIES_AT_ONCE = 1 << 24
"""Likewise numbers, where entries of matrices are drawn or move, or many vectors are kept for later steps."""

INPUTS = 8
"""Where the spec leaves their number to the file."""


def trials_at_once(spec: Spec, width: int) -> int:
    """At least 1, at most the microbatch."""
    at_once = min(COORDINATES_AT_ONCE // width, ENTRIES_AT_ONCE // numbers(spec, width))
    return max(1, min(at_once, spec.numerics.microbatch))


def numbers(spec: Spec, width: int) -> int:
    """What time and memory of one trial grow with: its coordinates, those of all steps of training, or its entries."""
    return width * min(width, width if draws_entries(spec) else vectors(spec))


def vectors(spec: Spec) -> int:
    """What matrices are asked for at all steps of training and remember; 1 of an experiment that does not train."""
    return (spec.training.steps + 1) * (spec.data.count or INPUTS) if trains(spec) else 1


def trains(spec: Spec) -> bool:
    """Whether the experiment trains networks."""
    return "optimizer" in tables_of(spec.experiment)


def moves_entries(spec: Spec) -> bool:
    """Whether trials move all entries of a matrix one by one."""
    return experiment_moves_entries(spec.experiment, spec.optimizer)


def draws_entries(spec: Spec) -> bool:
    """Whether a trial draws all entries of a matrix, or moves them, so that it costs as much as the width squared."""
    asked = spec.numerics.matrix in ("dense", "tiled")
    return asked or moves_entries(spec) or experiment_draws_entries(spec.experiment, spec.model, spec.options)
