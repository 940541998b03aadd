"""The update functions that divide by second moments and take the gradient as it is."""

from torch import Tensor

from widthwise.training.optimizer import Optimizer, State
from widthwise.training.options import Adadelta, Adagrad, RMSProp
from widthwise.training.parts import leant, leant_to_square, over_root, zeros


def rmsprop(options: RMSProp) -> Optimizer:
    """See `RMSProp`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        square, mean, total = state
        square = leant_to_square(square, gradient, 1 - options.alpha)
        variance = square
        if options.centered:
            mean = leant(mean, gradient, 1 - options.alpha)
            variance = (square - mean * mean).clamp(min=0)  # rounding may leave it below
        update = options.momentum * total + over_root(gradient, variance, options.epsilon, options.smooth)
        return update, (square, mean, update)

    return Optimizer(init=zeros(3), step=step)


def adagrad(options: Adagrad) -> Optimizer:
    """See `Adagrad`."""

    def init(gradient: Tensor) -> State:
        return (gradient.new_full((), options.initial_accumulator),)

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        total = state[0] + gradient * gradient
        update = over_root(gradient, total, options.epsilon, options.smooth)
        return update / (1 + options.learning_rate_decay * t), (total,)

    return Optimizer(init=init, step=step)


def adadelta(options: Adadelta) -> Optimizer:
    """See `Adadelta`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        square, moved = state
        square = leant_to_square(square, gradient, 1 - options.rho)
        update = gradient * (moved + options.epsilon).sqrt() / (square + options.epsilon).sqrt()
        return update, (square, leant_to_square(moved, update, 1 - options.rho))

    return Optimizer(init=zeros(2), step=step)
