"""What several architectures are made of: affine maps, inputs with positions, layer norm."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.spaces import Dim, Space, avg

Array = TypeVar("Array", Tensor, np.ndarray)


def affine(
    space: Space,
    weight_variance: float,
    bias_variance: float = 0.0,
    *,
    rows: Dim | None = None,
    columns: Dim | None = None,
    features: int | None = None,
) -> Callable[[Tensor], Tensor]:
    """``x -> W x + b`` with a matrix and a bias of its own, the same ones at every call."""
    weights = space.matrix(rows, columns, variance=weight_variance, features=features)
    if not bias_variance:
        return weights
    bias = space.bias(bias_variance, rows)
    return lambda x: bias(weights(x))


def wide(space: Space, ratio: float) -> Dim:
    """The dimension class of widths ``ratio`` times n."""
    return space.dim("n") if ratio == 1 else space.dim(f"{ratio!r} n", ratio)


def in_parts(inputs: Array, count: int, key: str) -> Array:
    """Inputs (input, feature) as (input, part, feature): ``count`` equal consecutive parts.

    Raises:
        SpecError: the features do not divide so; names ``model.<key>``.
    """
    inputs_count, features = inputs.shape
    if features % count:
        nearest = min((d for d in range(1, features + 1) if features % d == 0), key=lambda d: abs(d - count))
        message = (
            f"model.{key}: {count} does not divide the {features} features of an input; choose a divisor, for example "
            f"{nearest}"
        )
        raise SpecError(message)
    return inputs.reshape(inputs_count, count, features // count)


def normalised(x: Tensor, epsilon: float) -> Tensor:
    """Layer norm without gain and offset: coordinates minus their average, over their standard deviation."""
    centred = x - avg(x)[..., None]
    return centred / (avg(centred * centred)[..., None] + epsilon).sqrt()
