"""The language and its two readings."""

from widthwise.spaces.check import check_program
from widthwise.spaces.gram import avg, gram
from widthwise.spaces.ket_draw import Estimator
from widthwise.spaces.matrix import Matrix
from widthwise.spaces.space import Factor, FiniteSpace, Holding, KetSpace, Space

__all__ = [
    "Estimator",
    "Factor",
    "FiniteSpace",
    "Holding",
    "KetSpace",
    "Matrix",
    "Space",
    "avg",
    "check_program",
    "gram",
]
