"""The activations that come with widthwise, and how a user adds one: torch functions and their Gaussian integrals."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.models.activations import Activation, activation_names, adopt
from widthwise.sources import source_of
from widthwise.theory import closed_forms, quadrature_dual
from widthwise.theory.closed_forms import LEAKY_SLOPE
from widthwise.theory.kernels import Array


def register_activation(
    name: str, function: Callable[[Tensor], Tensor], *, kinks: tuple[float, ...] = ()
) -> Activation:
    """Make an activation of one's own known to this process and the workers it starts.

    Its exact limits come from quadrature; its code belongs to the identity of a run.

    Args:
        name: what ``model.activation`` will say.
        function: coordinatewise, differentiable by torch, of polynomial growth.
        kinks: where the function or a derivative of it jumps; it is analytic elsewhere.

    Returns:
        The activation.

    Raises:
        SpecError: if the name is taken or the function is not coordinatewise, finite and differentiable.
    """
    if name in activation_names():
        message = f"register_activation: {name!r} is taken; choose another name"
        raise SpecError(message)
    if not np.all(np.isfinite(kinks)):
        message = f"register_activation: the kinks {kinks} of {name!r} must be finite numbers; leave the others out"
        raise SpecError(message)
    _check(name, function)
    own = replace(_by_quadrature(name, function, kinks), source=source_of(function))
    adopt([own])
    return own


def _check(name: str, function: Callable[[Tensor], Tensor]) -> None:
    probe = torch.linspace(-2.0, 2.1, 12, dtype=torch.float64, requires_grad=True)
    value = function(probe)
    if value.shape != probe.shape or value.dtype != probe.dtype or not bool(value.isfinite().all()):
        wrong = "does not map finite numbers to finite numbers of the same shape and dtype"
    elif not torch.allclose(function(probe.reshape(3, 4).T[1:]), value.reshape(3, 4).T[1:], rtol=1e-12):
        wrong = "is not coordinatewise"
    elif not value.requires_grad:
        wrong = "is not differentiable by torch"
    else:
        return
    message = f"register_activation: {name!r} {wrong}; write it in torch operations that act on each number alone"
    raise SpecError(message)


def _by_quadrature(name: str, function: Callable[[Tensor], Tensor], kinks: tuple[float, ...] = ()) -> Activation:
    def value(x: Array) -> Array:
        with torch.no_grad():
            return function(torch.as_tensor(x)).numpy()

    def derivative(x: Array) -> Array:
        with torch.enable_grad():
            variable = torch.as_tensor(x).requires_grad_()
            (gradient,) = torch.autograd.grad(function(variable).sum(), variable)
        return gradient.numpy()

    return Activation(name=name, function=function, dual=quadrature_dual(value, derivative, kinks), kinks=kinks)


def _closed(name: str, function: Callable[[Tensor], Tensor], kinks: tuple[float, ...] = ()) -> Activation:
    return Activation(name=name, function=function, dual=closed_forms[name], kinks=kinks)


def _identity(x: Tensor) -> Tensor:
    return x


def _gaussian(x: Tensor) -> Tensor:
    return torch.exp(-(x**2))


def _leaky_relu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LEAKY_SLOPE)


def _softplus(x: Tensor) -> Tensor:
    return F.softplus(x, threshold=40.0)  # torch's own threshold, 20, is a jump of 2e-9


def _step(x: Tensor) -> Tensor:
    """1 for positive numbers, 0 else; unlike a comparison it has a derivative, zero."""
    return torch.relu(torch.sign(x))


FUNCTIONS: Mapping[str, Activation] = {
    each.name: each
    for each in (
        _closed("abs", torch.abs, kinks=(0.0,)),
        _closed("cos", torch.cos),
        _closed("erf", torch.erf),
        _closed("gaussian", _gaussian),
        _closed("gelu", F.gelu),
        _closed("identity", _identity),
        _closed("leaky_relu", _leaky_relu, kinks=(0.0,)),
        _closed("relu", torch.relu, kinks=(0.0,)),
        _closed("sin", torch.sin),
        _closed("step", _step, kinks=(0.0,)),
        _by_quadrature("elu", F.elu, kinks=(0.0,)),
        _by_quadrature("hard_tanh", F.hardtanh, kinks=(-1.0, 1.0)),
        _by_quadrature("sigmoid", torch.sigmoid),
        _by_quadrature("silu", F.silu),
        _by_quadrature("softplus", _softplus),
        _by_quadrature("tanh", torch.tanh),
    )
}
