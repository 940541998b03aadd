"""Learner: a network in training, the same program at every step, at width n or where kets move."""

import torch
from torch import Tensor

from widthwise.spaces import Factor, Holding, Matrix, Space
from widthwise.training.cast import Cast
from widthwise.training.network import Network
from widthwise.training.parameter import Parameter
from widthwise.training.readout import Pass, evaluated
from widthwise.training.rule import Plan
from widthwise.training.view import View, merged


class Learner:
    """A network whose matrices, biases and output weights are trained.

    Its function is :math:`f = n^{1 - signal} F` with F, the mean of output weights times features, of order one; what
    is propagated back are the gradients of F. Source: TP4b 2.7.1, 2.9.25.
    """

    def __init__(
        self, space: Space, network: Network, inputs: Tensor, plan: Plan, *, outputs: int, held: Holding
    ) -> None:
        """A network for constant ``inputs`` before its first step; its matrices are ``held`` so at finite width."""
        self._space = space.rehearsal(held)
        self._network = network
        self._inputs = inputs
        self._outputs = outputs
        self._scale = space.power(1 - plan.signal)
        self._cast = Cast(self._space, plan)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that is trained, in program order, output weights last."""
        return self._cast.everyone

    def look(self, chosen: Tensor) -> View:
        """Outputs and signals of all inputs; from those of the ``chosen`` ones, by index, `move` can learn."""
        seen = self._pass(self._inputs[chosen])
        self._seen, self._mean = seen, self._mean_of(seen)
        views = [(chosen, self._scale * self._mean.detach(), seen.signals)]
        rest = torch.ones(len(self._inputs), dtype=torch.bool).index_fill(0, chosen, False).nonzero()[:, 0]
        if len(rest):
            with torch.no_grad():
                other = self._pass(self._inputs[rest])
                views.append((rest, self._scale * self._mean_of(other), other.signals))
        return merged(views)

    def move(self, slopes: Tensor, t: int) -> None:
        """Take step t; ``slopes`` are the derivatives of the loss by the chosen outputs, (replicate, input, output)."""
        seen, features = self._seen, self._seen.features.detach()
        _, factors = seen.space.backprop((self._mean * slopes).sum(-1))
        for matrix, parameter in zip(seen.space.matrices, self._cast.matrices, strict=True):
            left, right = _gradient([each for each in factors if each.matrix is matrix], matrix, features)
            parameter.advance(left, right, t)
        self._output_of(seen).advance(slopes.to(features.dtype), features, t)

    def _pass(self, inputs: Tensor) -> Pass:
        return evaluated(self._space.again(self._cast.now), self._network, inputs, self._outputs)

    def _output_of(self, seen: Pass) -> Parameter:
        return self._cast.output(seen.drawn, seen.positions)

    def _mean_of(self, seen: Pass) -> Tensor:
        """F, float64 (replicate, input, output)."""
        output = self._output_of(seen)
        initial = seen.initial() * (output.scales.initial * output.remaining)
        added = output.added(seen.features)
        return initial if added is None else initial + added.double()


def _gradient(factors: list[Factor], matrix: Matrix, like: Tensor) -> tuple[Tensor, Tensor]:
    """All terms of a gradient sum left right^T, (replicate, term, coordinate); one that is zero if there is none."""
    if not factors:
        rows, columns = (like.new_zeros(len(like), 1, dim.size) for dim in (matrix.rows, matrix.columns))
        return rows, columns
    left = torch.cat([each.left.flatten(1, -2) for each in factors], 1)
    return left, torch.cat([each.right.detach().flatten(1, -2) for each in factors], 1)
