"""OperatorLearner: the limit where kets do not move and the function does, by an operator on the slopes of the loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import Factor, Holding, Matrix, Space, avg, constant_axis
from widthwise.theory.parametrizations import HALF
from widthwise.training.cast import Cast
from widthwise.training.network import Network
from widthwise.training.parameter import Parameter
from widthwise.training.readout import Pass, evaluated
from widthwise.training.rule import Plan
from widthwise.training.view import View, merged


@dataclass(frozen=True, eq=False, kw_only=True)
class Derivative:
    """The derivative of the function by one parameter, as normalised factors.

    Attributes:
        left: error signals of every output, (replicate, input, output, term, row).
        right: (replicate, input, term, column).
    """

    left: Tensor
    right: Tensor

    def along(self, parameter: Parameter) -> Tensor | None:
        """What the updates of the parameter change the function by, (replicate, input, output); None if nothing."""
        added = parameter.added(self.right.flatten(1, 2))
        if added is None:
            return None
        added = added.unflatten(1, self.right.shape[1:3])
        return avg(self.left * added[:, :, None]).sum(-1).double()

    def gradient(self, chosen: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
        """Terms of the gradient of the loss, for its slopes (replicate, chosen input, output)."""
        left = torch.einsum("rik,rikta->rita", slopes.to(self.left.dtype), self.left[:, chosen])
        return left.flatten(1, 2), self.right[:, chosen].flatten(1, 2)


class OperatorLearner:
    r"""The limit of training in the operator regime, of any network with a tangent kernel.

    .. math:: f_{t+1}(i) = f_t(i) - \eta \sum_P E_{ab}\big[G^P_i(a, b) \, Q(\sum_j \chi_t(j) G^P_j(a, b), ...)\big]

    with G the derivatives at initialisation: those of the weights as decay leaves them. The initial function is that of
    a Gaussian process. For SGD the operator is the tangent kernel. Source: TP4b 2.4, 2.9.19; weight decay 2.10.3.
    """

    def __init__(
        self, space: Space, network: Network, inputs: Tensor, plan: Plan, *, outputs: int, held: Holding
    ) -> None:
        """A network for constant ``inputs`` before its first step."""
        self._space = space.rehearsal(held)
        self._network = network
        self._inputs = inputs
        self._outputs = outputs
        self._cast = Cast(self._space, plan, linearised=True)
        output = plan.parametrization.output
        self._deviation = space.power(HALF - output.a - output.b)
        self._decays = plan.rule.optimizer.weight_decay > 0
        self._drawing = space
        self._gaussian: Matrix | None = None
        self._seen: Pass | None = None

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that is trained, in program order, output weights last."""
        return self._cast.everyone

    def look(self, chosen: Tensor) -> View:
        """Outputs and signals of all inputs; from those of the ``chosen`` ones, by index, `move` can learn."""
        if self._seen is None or self._decays:
            self._linearise()
        assert self._seen is not None
        self._chosen = chosen
        outputs = self._initial
        for derivative, parameter in zip(self._derivatives, self._cast.matrices, strict=True):
            changed = derivative.along(parameter)
            outputs = outputs if changed is None else outputs + changed
        changed = self._output_weights.added(self._seen.features)
        outputs = outputs if changed is None else outputs + changed.double()
        return merged([(torch.arange(len(self._inputs)), outputs, self._seen.signals)])

    def move(self, slopes: Tensor, t: int) -> None:
        """Take step t; ``slopes`` are the derivatives of the loss by the chosen outputs, (replicate, input, output)."""
        assert self._seen is not None
        for derivative, parameter in zip(self._derivatives, self._cast.matrices, strict=True):
            parameter.advance(*derivative.gradient(self._chosen, slopes), t)
        features = self._seen.features[:, self._chosen]
        self._output_weights.advance(slopes.to(features.dtype), features, t)

    def _linearise(self) -> None:
        """Run the network on what is left of its initial weights, and differentiate by all of them."""
        space = self._space.again(self._cast.initially)
        seen = evaluated(space, self._network, self._inputs, self._outputs)
        self._output_weights = self._cast.output(seen.drawn, seen.positions)
        scale = self._output_weights.scales.initial * self._output_weights.remaining
        mean = seen.initial() * scale
        factors = [space.backprop(mean[..., k], again=True)[1] for k in range(self._outputs)]
        self._derivatives = [_derivative(factors, matrix, len(self._inputs)) for matrix in space.matrices]
        self._seen, self._initial = seen, scale * self._deviation * self._process(seen)

    def _process(self, seen: Pass) -> Tensor:
        """A sample of the Gaussian process of the initial outputs, the same one at every step.

        Its covariance is that of the features over random output weights: (replicate, input, output).
        """
        if self._gaussian is None:
            self._gaussian = self._drawing.matrix(constant_axis(self._outputs * seen.positions), law="gaussian")
        vectors = seen.features.detach().unflatten(-1, (seen.positions, -1))
        products = self._gaussian(vectors).unflatten(-1, (seen.positions, self._outputs))
        return products.diagonal(dim1=2, dim2=3).sum(-1).double() / seen.positions**0.5


def _derivative(by_output: Sequence[Sequence[Factor]], matrix: Matrix, inputs: int) -> Derivative:
    """All uses of a matrix, at every position, as terms.

    Raises:
        ProgramError: the matrix is applied to vectors that inputs share.
    """
    uses = [[factor for factor in factors if factor.matrix is matrix] for factors in by_output]
    shared = next((each.right.shape[1] for each in uses[0] if each.right.shape[1] != inputs), None)
    if shared is not None:
        message = (
            f"train: a matrix is applied to {shared} vector(s) where the network has {inputs} inputs; expand what "
            "inputs share to one for each, x.expand(-1, inputs, -1), before a matrix is applied to it"
        )
        raise ProgramError(message)
    left = torch.stack([torch.cat([_terms(each.left) for each in factors], 2) for factors in uses], 2)
    return Derivative(left=left, right=torch.cat([_terms(each.right.detach()) for each in uses[0]], 2))


def _terms(vectors: Tensor) -> Tensor:
    """Vectors as (replicate, input, term, coordinate), whatever axes there are between input and coordinate."""
    return vectors.flatten(2, -2) if vectors.ndim > 3 else vectors[:, :, None]
