"""Points: the specs that a sweep stands for, one for every combination of its axes."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from widthwise.errors import SpecError
from widthwise.spec.axes import Scalar
from widthwise.spec.messages import quoted
from widthwise.spec.schema import Spec


@dataclass(frozen=True, kw_only=True)
class Point:
    """One combination of swept values: its index along every axis, the values, and the spec with them filled in."""

    index: tuple[int, ...]
    coordinates: Mapping[str, Scalar]
    spec: Spec


def points(spec: Spec) -> tuple[Point, ...]:
    """Every combination of the axes, the last axis fastest; one point if nothing is swept.

    Raises:
        SpecError: a swept value is not allowed; names the key as ``sweep."model.activation"``.
    """
    return tuple(point(spec, position) for position in range(math.prod(map(len, spec.sweep.axes.values()))))


def point(spec: Spec, position: int) -> Point:
    """The point at a position in `points`, without the others."""
    axes = spec.sweep.axes
    plain = spec.model_dump()
    plain["sweep"] = {key: value for key, value in plain["sweep"].items() if key not in axes}
    combinations = itertools.product(*(enumerate(values) for values in axes.values()))
    combination = next(itertools.islice(combinations, position, None))
    return _point(plain, dict(zip(axes, combination, strict=True)))


def _point(plain: Mapping[str, Any], chosen: Mapping[str, tuple[int, Scalar]]) -> Point:
    coordinates = {key: value for key, (_, value) in chosen.items()}
    document = dict(plain)
    for key, value in coordinates.items():
        document = _with(document, key.split("."), value)
    try:
        resolved = Spec.model_validate(document)
    except SpecError as error:
        raise SpecError(_in_sweep(str(error), coordinates)) from None
    return Point(index=tuple(index for index, _ in chosen.values()), coordinates=coordinates, spec=resolved)


def _with(table: Mapping[str, Any], path: Sequence[str], value: Scalar) -> dict[str, Any]:
    """A copy of nested tables with one entry replaced."""
    head, *rest = path
    return {**table, head: _with(table[head], rest, value) if rest else value}


def _in_sweep(message: str, coordinates: Mapping[str, Scalar]) -> str:
    """The message of a point, with the key where the user wrote it."""
    key, _, rest = message.partition(": ")
    if key in coordinates:
        return f"sweep.{quoted(key)}: {rest}"
    where = ", ".join(f"{key} = {value!r}" for key, value in coordinates.items())
    return f"{message} (at the point {where} of the sweep)" if where else message
