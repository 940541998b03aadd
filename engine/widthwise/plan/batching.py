"""How many trials share one call: a function of the spec's identity and the width, never of the machine."""

from widthwise.experiments import draws_entries as experiment_draws_entries
from widthwise.spec import Spec

COORDINATES_AT_ONCE = 1 << 17
"""Trials times width that one call computes: enough to keep small networks busy, few enough to stay in memory."""

ENTRIES_AT_ONCE = 1 << 24
"""Likewise trials times width squared, where entries of matrices are drawn."""


def trials_at_once(spec: Spec, width: int) -> int:
    """At least 1, at most the microbatch."""
    at_once = COORDINATES_AT_ONCE // width
    if draws_entries(spec):
        at_once = min(at_once, ENTRIES_AT_ONCE // width**2)
    return max(1, min(at_once, spec.numerics.microbatch))


def draws_entries(spec: Spec) -> bool:
    """Whether a trial draws all entries of a matrix, so that it costs as much as the width squared."""
    asked = spec.numerics.matrix in ("dense", "tiled")
    return asked or experiment_draws_entries(spec.experiment, spec.model, spec.options)
