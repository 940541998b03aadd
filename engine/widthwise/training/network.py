"""Network: what training needs of a program; what it is made of, seen at a small width."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, Matrix, Space

PROBE_WIDTH = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Signals:
    """What a network makes of its inputs.

    Attributes:
        states: what signals pass through, layer by layer or step by step, (replicate, input, ..., coordinate).
        readout: what output weights are applied to, of the default dimension class: (replicate, input, coordinate), or
            (replicate, input, position, coordinate) with output weights of their own at every position.
    """

    states: tuple[Tensor, ...]
    readout: Tensor


Network = Callable[[Space, Tensor], Signals]
"""``network(space, inputs)`` for constant inputs (input, feature), all of whose matrices and biases are trained."""


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """How many hidden matrices and states a network has, and to how many vectors of one input a matrix is applied."""

    matrices: int
    vectors: int
    states: int


def anatomy(network: Network, inputs: Tensor) -> Anatomy:
    """Run the network on two inputs at a small width, to see its matrices.

    Raises:
        ProgramError: one of them cannot be trained, since its rows do not grow with the width.
    """
    few = inputs[:2]
    space = FiniteSpace(PROBE_WIDTH, dtype=torch.float64)
    signals = network(space, few)
    short = next((matrix for matrix in space.matrices if matrix.rows.constant), None)
    if short is not None:
        message = (
            f"train: a matrix has {short.rows.size} rows at every width; give it rows of a dimension class, and leave "
            "output weights to training"
        )
        raise ProgramError(message)
    hidden = [matrix for matrix in space.matrices if matrix.kind == "matrix"]
    vectors = max((sum(map(_vectors, _uses(matrix))) for matrix in hidden), default=0)
    return Anatomy(matrices=len(hidden), vectors=-(-vectors // len(few)), states=len(signals.states))


def _uses(matrix: Matrix) -> list[Tensor]:
    return [use.x for use in matrix.uses]


def _vectors(x: Tensor) -> int:
    return x.numel() // x.shape[-1]


def of_architecture(model: Architecture) -> Network:
    """The network of ``[model]`` as training needs it."""

    def network(space: Space, inputs: Tensor) -> Signals:
        states = model.states(space, inputs)
        return Signals(states=tuple(states), readout=model.readout(states[-1]))

    return network
