"""Parts: the parameters of a network in program order, and which of them each of its states depends on."""

from dataclasses import dataclass
from functools import cache

import torch

from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, Matrix, Space
from widthwise.training.network import PROBE_WIDTH


@dataclass(frozen=True, kw_only=True)
class Part:
    """A parameter but the output weights: its position among the layers of a parametrization, and if it is a bias."""

    layer: int
    is_bias: bool


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All parameters but the output weights, and of each state the positions of those that it depends on."""

    parameters: tuple[Part, ...]
    reached: tuple[frozenset[int], ...]


@cache
def parts(model: Architecture, features: int) -> Parts:
    """As the network itself makes them, at a small width, for inputs of so many features."""
    space = FiniteSpace(PROBE_WIDTH, dtype=torch.float64)
    states = model.states(space, torch.eye(2, features, dtype=torch.float64))
    hidden = 0
    found = []
    for matrix in space.matrices:
        hidden += matrix.kind == "matrix"
        found.append(Part(layer=hidden if matrix.kind == "matrix" else 0, is_bias=matrix.is_bias))
    every = [space.backprop(state.flatten(2).sum(-1), again=True)[1] for state in states]
    reached = (frozenset(_position(space, factor.matrix) for factor in factors) for factors in every)
    return Parts(parameters=tuple(found), reached=tuple(reached))


def _position(space: Space, matrix: Matrix) -> int:
    return next(index for index, each in enumerate(space.matrices) if each is matrix)
