"""The update functions without second moments: gradients, running sums of them, their signs."""

import torch
from torch import Tensor

from widthwise.training.optimizer import Optimizer, State
from widthwise.training.options import SGD, Momentum, Nesterov, SignSGD
from widthwise.training.parts import over_root, zeros


def sgd(options: SGD) -> Optimizer:
    """See `SGD`."""
    return Optimizer(init=zeros(0), step=lambda state, gradient, t: (gradient, state))


def momentum(options: Momentum) -> Optimizer:
    """See `Momentum`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        share = 1 - options.dampening if t else 1.0
        total = options.momentum * state[0] + share * gradient
        return total, (total,)

    return Optimizer(init=zeros(1), step=step)


def nesterov(options: Nesterov) -> Optimizer:
    """See `Nesterov`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        total = options.momentum * state[0] + gradient
        return gradient + options.momentum * total, (total,)

    return Optimizer(init=zeros(1), step=step)


def sign_sgd(options: SignSGD) -> Optimizer:
    """See `SignSGD`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        if options.epsilon == 0:
            return torch.sign(gradient), state
        return over_root(gradient, gradient * gradient, options.epsilon, smooth=True), state

    return Optimizer(init=zeros(0), step=step)
