"""What recurrent nets are made of: affine maps of a step's input and of the state before it, tied over steps or not."""

from collections.abc import Callable

from torch import Tensor

from widthwise.models.catalogue import GRU, LSTM, RNN
from widthwise.models.layers import affine, in_parts
from widthwise.spaces import Space

Recurrent = RNN | GRU | LSTM


def preactivation(network: Recurrent, space: Space, inputs: Tensor) -> Callable[..., Tensor]:
    """``(t, s) -> W s + U xi_t + b`` for t = 0, 1, ...: one W, U and b for all steps if tied, else others at each.

    Without ``s`` at t = 0, where the state before is 0.

    Raises:
        SpecError: the features do not divide into the steps.
    """
    sources = _sources(network, space, inputs)
    weights = [space.matrix(variance=network.weight_variance) for _ in range(1 if network.tied else network.steps - 1)]

    def apply(t: int, s: Tensor | None = None) -> Tensor:
        return sources[t] if s is None else weights[0 if network.tied else t - 1](s) + sources[t]

    return apply


def _sources(network: Recurrent, space: Space, inputs: Tensor) -> list[Tensor]:
    """``U xi_t + b`` of every step, each (replicate, input, coordinate)."""
    parts = in_parts(inputs, network.steps, "steps")

    def driven(xi: Tensor) -> Tensor:
        source = affine(space, network.input_variance, network.bias_variance, features=parts.shape[-1])
        return source(space.constant(xi))

    return list(driven(parts).unbind(2)) if network.tied else [driven(xi) for xi in parts.unbind(1)]
