"""The inputs of every point of a sweep."""

from collections.abc import Sequence

import numpy as np

from widthwise.errors import SpecError
from widthwise.experiments import tables_of
from widthwise.experiments.inputs import load_inputs
from widthwise.spec import Point


def point_inputs(points: Sequence[Point]) -> tuple[np.ndarray, ...]:
    """The inputs of every point, shape (input, feature); points with the same data share one array.

    They are empty for an experiment that uses no data.

    Raises:
        SpecError: the data cannot be loaded, or the points have different numbers of inputs.
    """
    if "data" not in tables_of(points[0].spec.experiment):
        return tuple(np.empty((0, 0)) for _ in points)
    loaded: dict[object, np.ndarray] = {}
    for point in points:
        key = (point.spec.data, point.spec.seed)
        if key not in loaded:
            loaded[key] = load_inputs(point.spec.data, point.spec.seed)
    counts = sorted({len(inputs) for inputs in loaded.values()})
    if len(counts) > 1:
        message = (
            f"data.count: the points of the sweep have {counts[0]} to {counts[-1]} inputs; "
            f"write count = {counts[0]}, since all points of a run have the same number"
        )
        raise SpecError(message)
    return tuple(loaded[point.spec.data, point.spec.seed] for point in points)
