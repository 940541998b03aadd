"""Adam and its kin: running means of gradients over running sizes of them, both corrected for their start at 0."""

import torch
from torch import Tensor

from widthwise.training.optimizer import Optimizer, State
from widthwise.training.options import Adam, Adamax, AdamW, NAdam
from widthwise.training.parts import leant, leant_to_square, over, over_root, zeros


def adam(options: Adam | AdamW) -> Optimizer:
    """See `Adam`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        mean = leant(state[0], gradient, 1 - options.beta1)
        square = leant_to_square(state[1], gradient, 1 - options.beta2)
        gathered = _gathered(options.beta1, t), _gathered(options.beta2, t)
        return over_root(mean, square, options.epsilon, options.smooth, gathered=gathered), (mean, square)

    return Optimizer(init=zeros(2), step=step)


def adamw(options: AdamW) -> Optimizer:
    """See `AdamW`: decay is no part of an update function."""
    return adam(options)


def nadam(options: NAdam) -> Optimizer:
    """See `NAdam`; the last tensor of the state is the product of all strengths so far."""

    def strength(t: int) -> float:
        return options.beta1 * (1 - 0.5 * 0.96 ** (options.momentum_decay * (t + 1)))

    def init(gradient: Tensor) -> State:
        return (*zeros(2)(gradient), gradient.new_ones((), dtype=torch.float64))

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        mean = leant(state[0], gradient, 1 - options.beta1)
        square = leant_to_square(state[1], gradient, 1 - options.beta2)
        product, following = state[2] * strength(t), strength(t + 1)
        ahead = gradient * ((1 - strength(t)) / (1 - product)) + mean * (following / (1 - product * following))
        gathered = 1.0, _gathered(options.beta2, t)
        update = over_root(ahead, square, options.epsilon, options.smooth, gathered=gathered)
        return update, (mean, square, product)

    return Optimizer(init=init, step=step)


def adamax(options: Adamax) -> Optimizer:
    """See `Adamax`."""

    def step(state: State, gradient: Tensor, t: int) -> tuple[Tensor, State]:
        epsilon = options.epsilon
        mean = leant(state[0], gradient, 1 - options.beta1)
        size = (gradient * gradient + epsilon**2).sqrt() if options.smooth else gradient.abs() + epsilon
        largest = torch.maximum(options.beta2 * state[1], size)
        return over(mean, largest * _gathered(options.beta1, t), epsilon), (mean, largest)

    return Optimizer(init=zeros(2), step=step)


def _gathered(beta: float, t: int) -> float:
    """The weights of a running mean after step t, summed: ``1 - beta^(t + 1)``."""
    return 1.0 - beta ** (t + 1)
