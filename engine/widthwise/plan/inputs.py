"""The inputs of every point of a sweep."""

from collections.abc import Sequence

import numpy as np

from widthwise.errors import SpecError
from widthwise.experiments import classifies, tables_of
from widthwise.experiments.inputs import load_inputs
from widthwise.experiments.labels import labelled
from widthwise.experiments.targets import examples
from widthwise.plan.batching import trains
from widthwise.spec import Point, Spec

EXAMPLE_KEYS = ("targets", "target_name", "outputs", "train", "batch", "loss")
"""Keys of ``training`` that decide the targets, or that examples must fit."""


def point_inputs(points: Sequence[Point]) -> tuple[np.ndarray, ...]:
    """The inputs of every point, shape (input, feature); points with the same data share one array.

    Of an experiment that trains their targets follow, (input, feature + output), of one that classifies their class,
    (input, feature + 1). They are empty for an experiment that uses no data.

    Raises:
        SpecError: the data cannot be loaded or trained on, or the points have different numbers of inputs.
    """
    if "data" not in tables_of(points[0].spec.experiment):
        return tuple(np.empty((0, 0)) for _ in points)
    loaded: dict[object, np.ndarray] = {}
    for point in points:
        key = _key(point.spec)
        if key not in loaded:
            loaded[key] = _loaded(point.spec)
    counts = sorted({len(inputs) for inputs in loaded.values()})
    if len(counts) > 1:
        message = (
            f"data.count: the points of the sweep have {counts[0]} to {counts[-1]} inputs; "
            f"write count = {counts[0]}, since all points of a run have the same number"
        )
        raise SpecError(message)
    return tuple(loaded[_key(point.spec)] for point in points)


def _key(spec: Spec) -> tuple[object, ...]:
    """What decides the inputs, and whether they will do."""
    of_targets = (getattr(spec.training, key) for key in EXAMPLE_KEYS) if trains(spec) else ()
    return (spec.data, spec.seed, _labels(spec), *of_targets)


def _loaded(spec: Spec) -> np.ndarray:
    if classifies(spec.experiment):
        return labelled(spec.data, _labels(spec), spec.seed)
    return examples(spec.data, spec.training, spec.seed) if trains(spec) else load_inputs(spec.data, spec.seed)


def _labels(spec: Spec) -> str | None:
    """The name of their array, of an experiment that classifies."""
    return getattr(spec.options, "labels", None)
