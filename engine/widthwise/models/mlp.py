"""The multilayer perceptron."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from widthwise.models.activations import ActivationName, activation
from widthwise.sections import Section

if TYPE_CHECKING:
    from torch import Tensor

    from widthwise.spaces import Space


class MLP(Section):
    r"""``depth`` hidden layers, in the neural tangent parametrization.

    .. math:: h^1 = W^1 \xi + b^1, \qquad h^{l+1} = W^{l+1} \phi(h^l) + b^{l+1}, \qquad x = \phi(h^L)

    with entries of every W of variance ``weight_variance / fan_in`` and of every b of variance ``bias_variance``.

    Source: TP4b 2.1.1 with the constants of the oracles' convention.
    """

    name: Literal["mlp"] = "mlp"
    depth: Annotated[int, Field(ge=1, le=1024)] = 3
    activation: ActivationName = "erf"
    weight_variance: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    bias_variance: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    def __call__(self, space: "Space", inputs: "Tensor") -> "Tensor":
        """Last hidden activations (replicate, input, coordinate) for constant ``inputs`` (input, feature)."""
        phi = activation(self.activation).function
        h = space.matrix(variance=self.weight_variance, features=inputs.shape[-1])(space.constant(inputs))
        h = self._biased(space, h)
        for _ in range(self.depth - 1):
            h = self._biased(space, space.matrix(variance=self.weight_variance)(phi(h)))
        return phi(h)

    def _biased(self, space: "Space", h: "Tensor") -> "Tensor":
        return h + self.bias_variance**0.5 * space.vector() if self.bias_variance else h
