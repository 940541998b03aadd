"""Cast: the parameters of a program, in the order in which it makes them."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from widthwise.spaces import Matrix, Space
from widthwise.theory.parametrizations import Exponents
from widthwise.training.parameter import Parameter
from widthwise.training.rule import Plan
from widthwise.training.scales import Scales, of_matrix, of_output

KEPT_BYTES = 1 << 32
"""What updates of the hidden matrices of one network may keep together, in equal shares; those that need more are made
again, from the gradients of all steps. A constant, not the memory of the machine.
"""


class Cast:
    """Every matrix, bias and output weight of a program, met when the program makes it for the first time."""

    def __init__(self, space: Space, plan: Plan, *, linearised: bool = False) -> None:
        """Of a function that is ``linearised`` around the initial parameters, scales are those of its derivatives."""
        self.matrices: list[Parameter] = []
        self._output: Parameter | None = None
        self._space = space
        self._plan = plan
        self._linearised = linearised
        self._hidden = iter(plan.parametrization.hidden)

    @property
    def everyone(self) -> tuple[Parameter, ...]:
        """All parameters met so far, output weights last."""
        return (*self.matrices, *([self._output] if self._output else []))

    def matrix(self, index: int, matrix: Matrix) -> Parameter:
        """The ``index``-th matrix of the program, of which ``matrix`` is what was drawn."""
        if index == len(self.matrices):
            layer = self._layer(matrix)
            scales = of_matrix(self._space, self._plan, matrix, layer, linearised=self._linearised)
            samples = self._plan.rule.tuples if self._space.is_limit and matrix.kind == "matrix" else None
            if matrix.kind == "matrix" and not self._plan.rule.is_linear:
                self._space.moved.append(matrix)
            self.matrices.append(self._parameter(scales, partial(_entries, self._space, matrix), samples))
        return self.matrices[index]

    def now(self, index: int, matrix: Matrix) -> Matrix:
        """The ``index``-th matrix as training has made it by now."""
        return matrix.changed(self.matrix(index, matrix).on)

    def initially(self, index: int, matrix: Matrix) -> Matrix:
        """What decay has left of the ``index``-th matrix as it was drawn."""
        return matrix.changed(self.matrix(index, matrix).initially)

    def output(self, drawn: Tensor, positions: int) -> Parameter:
        """The output weights, of which (replicate, output, coordinate at every position) were drawn."""
        if self._output is None:
            scales = of_output(self._space, self._plan, positions, linearised=self._linearised)
            self._output = self._parameter(scales, lambda: drawn, None)
        return self._output

    def _parameter(self, scales: Scales, initial: Callable[[], Tensor], samples: int | None) -> Parameter:
        """``samples`` is over how many an average goes; None for all, as over a constant axis."""
        room = KEPT_BYTES // max(1, len(self._plan.parametrization.hidden))
        return Parameter(self._plan.rule, scales, initial, samples=samples, room=room)

    def _layer(self, matrix: Matrix) -> Exponents:
        return self._plan.parametrization.input if matrix.kind == "vector" else next(self._hidden)


def _entries(space: Space, matrix: Matrix) -> Tensor:
    """Standard normal initial entries, (replicate, row, column); of kets one, for the mean of their squares."""
    if space.is_limit and matrix.kind == "matrix":
        return torch.ones(1, 1, 1, dtype=space.dtype, device=space.device)
    basis = torch.eye(matrix.columns.size, dtype=space.dtype, device=space.device)
    with torch.no_grad():
        drawn = matrix(basis.expand(space.replicates, *basis.shape)).mT
    return drawn * (matrix.columns.size / matrix.variance) ** 0.5
