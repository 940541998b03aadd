"""The language and its two readings."""

from widthwise.spaces.check import check_program
from widthwise.spaces.dim import Dim, constant_axis
from widthwise.spaces.exchange import LocalExchange
from widthwise.spaces.factor import Factor
from widthwise.spaces.gathered import first, gathered
from widthwise.spaces.gram import added, avg, gram
from widthwise.spaces.holding import Choice, Holding
from widthwise.spaces.interpolated import Interpolated
from widthwise.spaces.jacobian import Jacobian, jacobian
from widthwise.spaces.lanczos import lanczos
from widthwise.spaces.matrices import Strategy
from widthwise.spaces.matrix import Matrix
from widthwise.spaces.numbers import Estimator
from widthwise.spaces.readings import FiniteSpace, KetSpace
from widthwise.spaces.shard import SHARD_SECONDS, Exchange, Shard, require_shards, whole
from widthwise.spaces.space import Space

__all__ = [
    "SHARD_SECONDS",
    "Choice",
    "Dim",
    "Estimator",
    "Exchange",
    "Factor",
    "FiniteSpace",
    "Holding",
    "Interpolated",
    "Jacobian",
    "KetSpace",
    "LocalExchange",
    "Matrix",
    "Shard",
    "Space",
    "Strategy",
    "added",
    "avg",
    "check_program",
    "constant_axis",
    "first",
    "gathered",
    "gram",
    "jacobian",
    "lanczos",
    "require_shards",
    "whole",
]
