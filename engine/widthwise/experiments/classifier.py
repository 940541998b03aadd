"""A classifier: a ReLU perceptron under plain stochastic gradient descent, and what it gets right."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def outputs(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Of a perceptron without biases, (input, class)."""
    *hidden, last = weights
    x = inputs
    for weight in hidden:
        x = torch.relu(x @ weight.T)
    return x @ last.T


def descend(
    weights: Sequence[Tensor],
    inputs: Tensor,
    classes: Tensor,
    *,
    epochs: int,
    batch: int,
    learning_rate: float,
    random: np.random.Generator,
) -> None:
    """Lower the cross-entropy by steps on batches, the inputs in another random order at every epoch, in place."""
    for _ in range(epochs):
        order = torch.from_numpy(random.permutation(len(inputs))).to(inputs.device)
        for chosen in order.split(batch):
            loss = cross_entropy(outputs(weights, inputs[chosen]), classes[chosen])
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for weight, gradient in zip(weights, gradients, strict=True):
                    weight -= learning_rate * gradient


def accuracy(weights: Sequence[Tensor], inputs: Tensor, classes: Tensor) -> float:
    """The share of inputs whose class has the largest output."""
    with torch.no_grad():
        return float((outputs(weights, inputs).argmax(1) == classes).double().mean())
