"""Effort: what trials and replicates of the limit take beside each other, as a function of the spec alone."""

from widthwise.plan.batching import moves_entries, numbers, vectors
from widthwise.spec import Spec


def trial_effort(spec: Spec, width: int) -> float:
    """Numbers that one trial of a spec without axes makes: in proportion to its seconds on every machine."""
    return float(numbers(spec, width))


def replicate_effort(spec: Spec) -> float:
    """The same of one replicate of the limit: samples, for every vector of all steps where networks are trained."""
    return float(spec.limit.samples * (spec.training.tuples if moves_entries(spec) else vectors(spec)))
