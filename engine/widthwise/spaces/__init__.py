"""The language and its two readings."""

from widthwise.spaces.check import check_program
from widthwise.spaces.dim import Dim, constant_axis
from widthwise.spaces.factor import Factor
from widthwise.spaces.gram import avg, gram
from widthwise.spaces.holding import Choice, Holding
from widthwise.spaces.interpolated import Interpolated
from widthwise.spaces.jacobian import Jacobian, jacobian
from widthwise.spaces.lanczos import lanczos
from widthwise.spaces.matrices import Strategy
from widthwise.spaces.matrix import Matrix
from widthwise.spaces.numbers import Estimator
from widthwise.spaces.readings import FiniteSpace, KetSpace
from widthwise.spaces.space import Space

__all__ = [
    "Choice",
    "Dim",
    "Estimator",
    "Factor",
    "FiniteSpace",
    "Holding",
    "Interpolated",
    "Jacobian",
    "KetSpace",
    "Matrix",
    "Space",
    "Strategy",
    "avg",
    "check_program",
    "constant_axis",
    "gram",
    "jacobian",
    "lanczos",
]
