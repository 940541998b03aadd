"""Which choices of a spec lie outside what the theorems assume: accepted, and said."""

from widthwise.laws import law
from widthwise.spec.points import points
from widthwise.spec.schema import Spec

LAW_KEYS = ("law", "vector_law")


def outside(spec: Spec) -> list[str]:
    """One line for every law of the sweep that the theorems do not cover, with the reason."""
    named = [
        (f"{table}.{key}", name)
        for point in points(spec)
        for table in ("model", "options")
        for key in LAW_KEYS
        if (name := getattr(getattr(point.spec, table), key, None)) is not None
    ]
    return [
        f"{key}: {name} is outside the theorems' assumptions: {law(name).outside}"
        for key, name in dict.fromkeys(named)
        if law(name).outside
    ]
