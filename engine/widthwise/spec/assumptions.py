"""Which choices of a spec lie outside what the theorems assume: accepted, and said."""

from widthwise.laws import law
from widthwise.spec.points import points
from widthwise.spec.schema import Spec


def outside(spec: Spec) -> list[str]:
    """One line for every law of the sweep that the theorems do not cover, with the reason."""
    named = [getattr(point.spec.options, "law", None) for point in points(spec)]
    laws = [law(name) for name in dict.fromkeys(named) if name is not None]
    return [
        f"options.law: {each.name} is outside the theorems' assumptions: {each.outside}"
        for each in laws
        if each.outside
    ]
