"""A small network trained twice, by torch.optim and by the update functions; every optimizer with its twin."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from widthwise.training import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Momentum,
    NAdam,
    Nesterov,
    OptimizerOptions,
    RMSProp,
    optimizer,
)
from widthwise.training.factored import of_entries
from widthwise.training.layerwise import factor, moved, rms

STEPS = 25

Twin = Callable[[Sequence[Tensor]], torch.optim.Optimizer]


def gradients(count: int, *shape: int, seed: int = 0) -> list[Tensor]:
    """A history of standard normal gradients, float64."""
    generator = torch.Generator().manual_seed(seed)
    return list(torch.randn(count, *shape, generator=generator, dtype=torch.float64).unbind(0))


def torch_twin(options: OptimizerOptions) -> Twin:
    """The optimizer of torch with the same hyperparameters."""
    kind, arguments = _arguments(options)
    return lambda parameters: kind(list(parameters), lr=options.learning_rate, **arguments)


def _arguments(options: OptimizerOptions) -> tuple[type[Any], Mapping[str, Any]]:
    if isinstance(options, SGD):
        return torch.optim.SGD, {}
    if isinstance(options, Momentum):
        return torch.optim.SGD, {"momentum": options.momentum, "dampening": options.dampening}
    if isinstance(options, Nesterov):
        return torch.optim.SGD, {"momentum": options.momentum, "nesterov": True}
    if isinstance(options, RMSProp):
        own = {"alpha": options.alpha, "momentum": options.momentum, "centered": options.centered}
        return torch.optim.RMSprop, {**own, "eps": options.epsilon}
    if isinstance(options, Adagrad):
        own = {"lr_decay": options.learning_rate_decay, "initial_accumulator_value": options.initial_accumulator}
        return torch.optim.Adagrad, {**own, "eps": options.epsilon}
    if isinstance(options, Adadelta):
        return torch.optim.Adadelta, {"rho": options.rho, "eps": options.epsilon}
    if isinstance(options, Adafactor):
        own = {"beta2_decay": options.beta2_decay, "eps": (options.epsilon, options.relative), "d": options.clip}
        return torch.optim.Adafactor, {**own, "weight_decay": options.weight_decay}
    assert isinstance(options, Adam | AdamW | NAdam | Adamax)
    own = {"betas": (options.beta1, options.beta2), "eps": options.epsilon}
    if isinstance(options, Adamax):
        return torch.optim.Adamax, own
    decay = {"weight_decay": options.weight_decay}
    if isinstance(options, NAdam):
        own = {**own, "momentum_decay": options.momentum_decay, "decoupled_weight_decay": True}
        return torch.optim.NAdam, {**own, **decay}
    if isinstance(options, AdamW):
        return torch.optim.AdamW, {**own, **decay}
    return torch.optim.Adam, {**own, **decay, "decoupled_weight_decay": True}


def weights() -> list[Tensor]:
    """Initial weights of a network 3 -> 6 -> 5 -> 1 with a bias."""
    return [w / 2 for shape in ((6, 3), (6,), (5, 6), (1, 5)) for w in gradients(1, *shape, seed=len(shape))]


def loss(parameters: Sequence[Tensor], t: int) -> Tensor:
    """Squared error on the batch of step t."""
    u, b, w, v = parameters
    batch = gradients(1, 8, 3, seed=100 + t)[0]
    outputs = torch.tanh(torch.tanh(batch @ u.mT + b) @ w.mT) @ v.mT
    return (outputs[:, 0] - batch[:, 0] * batch[:, 1] - 1).square().mean()


def gradient(parameters: Sequence[Tensor], t: int) -> tuple[Tensor, ...]:
    """Of the loss of step t."""
    leaves = [w.detach().requires_grad_() for w in parameters]
    return torch.autograd.grad(loss(leaves, t), leaves)


def trained_by_torch(twin: Twin) -> Iterator[list[Tensor]]:
    """The weights after every step."""
    parameters = weights()
    torch_optimizer = twin(parameters)
    for t in range(STEPS):
        step_of_torch(torch_optimizer, parameters, gradient(parameters, t))
        yield [w.clone() for w in parameters]


def step_of_torch(twin: torch.optim.Optimizer, parameters: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    """One step with given gradients."""
    for w, each in zip(parameters, found, strict=True):
        w.grad = each
    twin.step()


def trained(options: OptimizerOptions, schedule: Callable[[int], float] = lambda t: 1.0) -> Iterator[list[Tensor]]:
    """The weights after every step."""
    parameters = weights()
    layers = [optimizer(options, of_entries if w.ndim > 1 else None) for w in parameters]
    states = [layer.init(w) for layer, w in zip(layers, parameters, strict=True)]
    for t in range(STEPS):
        rate = options.learning_rate * schedule(t)
        for index, (layer, found) in enumerate(zip(layers, gradient(parameters, t), strict=True)):
            update, states[index] = layer.step(states[index], found, t)
            parameters[index] = _moved(options, t, parameters[index], update, rate)
        yield list(parameters)


def _moved(options: OptimizerOptions, t: int, w: Tensor, update: Tensor, rate: float) -> Tensor:
    product = factor(options, t, lambda: rms(update[None]), lambda: rms(w[None]))
    flat = product.flatten()[0] if isinstance(product, Tensor) else product
    return moved(w, update, rate=rate * flat, decay=options.weight_decay * rate)
