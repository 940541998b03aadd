"""The validated, frozen description of a run, and its identity."""

from widthwise.spec.assumptions import outside
from widthwise.spec.axes import Scalar
from widthwise.spec.identity import Identity, differing, identity
from widthwise.spec.loading import load_spec
from widthwise.spec.points import Point, point, points
from widthwise.spec.schema import Limit, Numerics, Spec, Sweep, Verdict

__all__ = [
    "Identity",
    "Limit",
    "Numerics",
    "Point",
    "Scalar",
    "Spec",
    "Sweep",
    "Verdict",
    "differing",
    "identity",
    "load_spec",
    "outside",
    "point",
    "points",
]
