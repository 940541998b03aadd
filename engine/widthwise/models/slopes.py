"""Slopes of activations: their derivatives as automatic differentiation takes them, and the laws of their squares."""

import numpy as np
import torch

from widthwise.models.activations import activation
from widthwise.theory import free
from widthwise.theory.free import Measure
from widthwise.theory.kernels import Array


def slope(name: str, x: Array) -> Array:
    """``phi'(x)`` of the activation of this name, in the shape of x.

    Raises:
        SpecError: there is none.
    """
    function = activation(name).function
    with torch.enable_grad():
        variable = torch.as_tensor(np.ascontiguousarray(x, dtype=np.float64)).requires_grad_()
        (gradient,) = torch.autograd.grad(function(variable).sum(), variable)
    return gradient.numpy()


def slope_law(name: str, variance: float) -> Measure:
    """The law of ``phi'(h)^2`` for a normal h of mean 0, as of `widthwise.theory.free.slope_law`.

    Raises:
        SpecError: there is no such activation, or the variance is negative or not finite.
    """
    return free.slope_law(lambda x: slope(name, x), variance, activation(name).kinks)
