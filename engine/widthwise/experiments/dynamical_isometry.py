"""The experiment ``dynamical_isometry``: mean and spread of a Jacobian's spectrum, layer by layer at criticality."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import DynamicalIsometry
from widthwise.models import Activation, activation
from widthwise.models.slopes import slope_law
from widthwise.spaces import Space
from widthwise.theory import critical_weight_variance, variance_fixed_point

START = 1.0
"""The variance to start from where none is fixed: chi of a homogeneous function is that of any variance."""

TOLERANCE = 1e-6
"""Of chi: a variance at which it differs from 1 by more is not on the critical line."""


@dataclass(frozen=True, kw_only=True)
class CriticalPoint:
    """A weight variance, and the variance of preactivations that it keeps, where error signals keep their size."""

    weight_variance: float
    preactivation_variance: float


def dynamical_isometry(options: DynamicalIsometry) -> Experiment:
    r"""Squared singular values of :math:`J = \partial h^l / \partial h^1` in a critical MLP: mean m and spread.

    .. math:: h^{l+1} = W \phi(h^l) + b, \qquad m = \chi^{l-1} = 1, \qquad
        \frac{\mathrm{var}}{m^2} = (l - 1) \left(\frac{\mu_2}{\mu_1^2} - s\right), \qquad
        \mu_k = E[\phi'(\sqrt{q^*} z)^{2k}]

    with s = 1 for orthogonal weights and 0 for independent entries: relative variances of free factors add up, that of
    :math:`W^T W` is 1 - s and that of the slopes :math:`\mu_2 / \mu_1^2 - 1`. The network starts at the fixed point q*
    of the variances, where :math:`\chi = 1`. They are measured as
    :math:`avg((J v)^2) / avg(v^2)` and :math:`avg((J^T J v)^2) / avg(v^2)`, the second moment, for a random v: by the
    chain rule, where J v of a layer is one product away from that of the layer before, and all J^T share the way back.

    Raises:
        SpecError: no weight variance is critical, or no fixed point of the variances is.

    Source:
        Pennington, Schoenholz, Ganguli 2017 (1711.04735); PSG (1802.09979).
    """
    phi = activation(options.activation).function
    point = critical_point(activation(options.activation), options.bias_variance)

    def measure(space: Space) -> Mapping[str, Tensor]:
        h = (point.preactivation_variance**0.5 * space.vector()).requires_grad_()
        image = v = space.vector()
        layers = []
        for _ in range(options.depth - 1):
            slope = space.derivative(phi(h), h)
            w = space.matrix(variance=point.weight_variance, law=options.law)
            h = space.bias(options.bias_variance)(w(phi(h)))
            image = w(slope * image)
            layers.append((w, slope, image))
        back = v[:, :0]
        for w, slope, image in reversed(layers):
            back = slope * w.T(torch.cat([image, back], 1))
        images = torch.cat([image for *_, image in layers], 1)
        norm, mean, second = (space.avg(each**2).double() for each in (v, images, back))
        return {"mean": mean / norm, "spread": second * norm / mean**2 - 1}

    def exact() -> Mapping[str, np.ndarray]:
        mu_1, mu_2 = slope_law(options.activation, point.preactivation_variance).moments(2)
        layers = np.arange(1, options.depth)
        return {
            "mean": (point.weight_variance * mu_1) ** layers,
            "spread": layers * (mu_2 / mu_1**2 - (options.law == "orthogonal")),
        }

    return Experiment(
        name="dynamical_isometry",
        readouts=(
            _readout("mean", options.depth, "mean of the squared singular values of dh^l/dh^1; 1 in the limit", None),
            _readout(
                "spread",
                options.depth,
                "variance of the squared singular values of dh^l/dh^1 over their squared mean; relative to that of "
                "products of Gaussian matrices",
                scale=float(np.linalg.norm(np.arange(1, options.depth))),
            ),
        ),
        measure=measure,
        exact=exact,
    )


@cache
def critical_point(function: Activation, bias_variance: float) -> CriticalPoint:
    """Where an activation is critical with biases of that variance.

    Raises:
        SpecError: nowhere, or no variance of preactivations stays there.
    """
    dual = function.dual
    weight_variance = float(critical_weight_variance(dual, bias_variance))
    if not math.isfinite(weight_variance):
        message = (
            f"options.activation: {function.name!r} has no critical weight variance; choose another, for example tanh"
        )
        raise SpecError(message)
    fixed = float(variance_fixed_point(dual, weight_variance, bias_variance))
    q = fixed if math.isfinite(fixed) else START
    if abs(weight_variance * float(dual.derivative_kernel(*np.full(3, q))) - 1) > TOLERANCE:
        message = (
            f"options.bias_variance: at {bias_variance:g} {function.name!r} is critical at no variance that "
            "preactivations keep; choose another, for example 1, or another activation"
        )
        raise SpecError(message)
    return CriticalPoint(weight_variance=weight_variance, preactivation_variance=q)


def _readout(name: str, depth: int, description: str, scale: float | None) -> Readout:
    return Readout(
        name=name,
        dims=("state",),
        shape=(depth - 1,),
        coords={"state": tuple(range(2, depth + 1))},
        long_name=f"{name} of the squared singular values",
        description=description,
        source="1711.04735",
        scale=scale,
        profile="state",
    )
