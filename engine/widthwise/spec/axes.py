"""The swept keys of a spec: which keys may be swept, and what a list of values must look like."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BeforeValidator

from widthwise.errors import SpecError
from widthwise.sections import Section
from widthwise.spec.messages import closest, quoted, shown

Scalar = bool | int | float | str
"""A value of a swept key."""

MAX_POINTS = 10_000


def _axes(value: object) -> dict[str, tuple[Scalar, ...]]:
    """Axes in the order of their keys: a table has no order of its own, and the order decides the layout of a store."""
    if not isinstance(value, Mapping):
        message = f"{shown(value)} is not a table of keys with a list of values each"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError, never TypeError
    axes = {str(key): _values(str(key), value[key]) for key in sorted(value, key=str)}
    points = math.prod(len(values) for values in axes.values())
    if points > MAX_POINTS:
        message = f"{points} points are more than {MAX_POINTS}; sweep fewer values, or one run for each part"
        raise ValueError(message)
    return axes


Axes = Annotated[dict[str, tuple[Scalar, ...]], BeforeValidator(_axes)]


def _values(key: str, values: object) -> tuple[Scalar, ...]:
    if not isinstance(values, tuple | list) or not values:
        message = f"{quoted(key)}: {shown(values)} is not a list of at least one value, which a swept key needs"
        raise ValueError(message)
    wrong = next((value for value in values if not _is_scalar(value)), None)
    if wrong is not None:
        message = f"{quoted(key)}: {shown(wrong)} cannot be swept; allowed: finite numbers, booleans, text"
        raise ValueError(message)
    kinds = {_kind(value) for value in values}
    if len(kinds) > 1:
        message = f"{quoted(key)}: mixes {' and '.join(sorted(kinds))} values; one key has values of one type"
        raise ValueError(message)
    repeated = next((value for value in values if values.count(value) > 1), None)
    if repeated is not None:
        message = f"{quoted(key)}: {shown(repeated)} stands twice; every point is measured once"
        raise ValueError(message)
    return tuple(values)


def _kind(value: Scalar) -> str:
    return "text" if isinstance(value, str) else "boolean" if isinstance(value, bool) else "number"


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def axes_of(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The entries of a ``[sweep]`` table by dotted key, whether the key was written in quotes or as nested tables."""
    axes: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        axes |= axes_of(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return axes


def require_axes(axes: Iterable[str], tables: Mapping[str, Section], shaped_by: frozenset[str]) -> None:
    """Refuse a key that cannot be swept; ``tables`` are those that belong to the experiment.

    A key that decides the shape of the readouts, as its section or ``shaped_by`` says, cannot: a store has one shape.
    Nor can one whose values are lists, or a name that decides which other keys there are.

    Raises:
        SpecError: names the key and those that are allowed.
    """
    own = [key for table, section in tables.items() for key in _keys(table, section)]
    allowed = [*(key for key in own if key not in shaped_by), "seed", "limit.samples", "limit.estimator"]
    for key in axes:
        if key not in allowed:
            hint = closest(key, ["width", "trials", *allowed])
            message = f"sweep.{quoted(key)}: cannot be swept; allowed: width, trials, {', '.join(allowed)}{hint}"
            raise SpecError(message)


def _keys(table: str, section: Section) -> Iterator[str]:
    """The keys of a table that may be swept, those of tables inside of it too."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _keys(f"{table}.{name}", value)
        elif name not in section.shape and not _is_list(field.annotation):
            yield f"{table}.{name}"


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is tuple or any(_is_list(part) for part in get_args(annotation))
