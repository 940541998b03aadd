"""The experiments ``gradient_independence`` and ``mean_pooling``: backpropagation with W^T or with a copy of it."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy import integrate, stats
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import GradientIndependence, MeanPooling
from widthwise.models import activation
from widthwise.spaces import Space


def gradient_independence(options: GradientIndependence) -> Experiment:
    r"""A readout for which the copy is wrong, and one for which it is right (TP0, sections 5 and 6).

    ``avg(z dL/dz)`` for :math:`L = avg(h^2)`, :math:`h = W z`, is 2 in the limit, and 0 with an independent copy. For
    :math:`f = avg(v \phi(h))` with an independent v of mean zero ``avg((df/dz)^2)`` is the same both ways.
    """

    def measure(space: Space) -> Mapping[str, Tensor]:
        phi = activation(options.activation).function
        w, copy = space.matrix(law=options.law), space.matrix(law=options.law)
        z = space.vector().requires_grad_()
        h = w(z)
        square = _signals(space, space.avg(h * h), z, h)
        linear = _signals(space, space.avg(space.vector() * phi(h)), z, h)
        with_copy = [copy.T(signal) for _, signal in (square, linear)]
        return {
            "with_transpose": space.avg(z * square[0])[:, 0],
            "with_copy": space.avg(z * with_copy[0])[:, 0],
            "zero_mean_with_transpose": space.avg(linear[0] ** 2)[:, 0],
            "zero_mean_with_copy": space.avg(with_copy[1] ** 2)[:, 0],
        }

    def exact() -> Mapping[str, np.ndarray]:
        energy = _energy(options.activation)
        return {
            "with_transpose": np.array(2.0),
            "with_copy": np.array(0.0),
            "zero_mean_with_transpose": energy,
            "zero_mean_with_copy": energy,
        }

    return Experiment(
        name="gradient_independence",
        readouts=(
            _readout("with_transpose", "avg(z dL/dz) for L = avg(h^2), h = W z", scale=2.0),
            _readout("with_copy", "avg(z dL/dz) with an independent copy of W^T, where 2 is right", scale=2.0),
            _readout("zero_mean_with_transpose", "avg((df/dz)^2) for f = avg(v phi(h)), v independent of mean zero"),
            _readout("zero_mean_with_copy", "avg((df/dz)^2) with an independent copy of W^T"),
        ),
        measure=measure,
        exact=exact if options.law != "orthogonal" else None,
    )


def mean_pooling(options: MeanPooling) -> Experiment:
    r"""A readout that averages, :math:`f = avg(\phi(h))` with :math:`h = W z`: the copy is wrong (TP0 section 5).

    The error signal of z is :math:`W^T \phi'(h)`, whose ket has a dot, :math:`z\,E[\phi''(h)]`: its mean square exceeds
    that with an independent copy of W^T by the square of :math:`E[\phi'']`, which vanishes for odd functions.
    """

    def measure(space: Space) -> Mapping[str, Tensor]:
        phi = activation(options.activation).function
        w, copy = space.matrix(law=options.law), space.matrix(law=options.law)
        z = space.vector().requires_grad_()
        h = w(z)
        with_transpose, at_h = _signals(space, space.avg(phi(h)), z, h)
        return {
            "with_transpose": space.avg(with_transpose**2)[:, 0],
            "with_copy": space.avg(copy.T(at_h) ** 2)[:, 0],
        }

    def exact() -> Mapping[str, np.ndarray]:
        energy = _energy(options.activation)
        return {"with_transpose": energy + _curvature(options.activation) ** 2, "with_copy": energy}

    return Experiment(
        name="mean_pooling",
        readouts=(
            _readout("with_transpose", "avg((df/dz)^2) for f = avg(phi(h)), h = W z"),
            _readout("with_copy", "avg((df/dz)^2) with an independent copy of W^T, which is wrong here"),
        ),
        measure=measure,
        exact=exact if options.law != "orthogonal" else None,
    )


def _energy(name: str) -> np.ndarray:
    """E[phi'(g)^2] for a standard normal g."""
    one = np.ones(1)
    return activation(name).dual.derivative_kernel(one, one, one).reshape(())


def _curvature(name: str) -> np.ndarray:
    """E[phi''(g)], by Stein's lemma E[(g^2 - 1) phi(g)]."""
    named = activation(name)

    def integrand(g: float) -> float:
        return (g * g - 1) * float(named.function(torch.tensor(g, dtype=torch.float64))) * stats.norm.pdf(g)

    return np.array(integrate.quad(integrand, -12, 12, points=named.kinks or None, limit=200)[0])


def _signals(space: Space, f: Tensor, z: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """Error signals of z and of h."""
    (dz, dh), _ = space.backprop(f, z, h)
    return dz, dh


def _readout(name: str, description: str, scale: float | None = None) -> Readout:
    return Readout(
        name=name,
        dims=(),
        shape=(),
        long_name=name.replace("_", " "),
        description=description,
        source="TP0 (1902.04760), sections 5 and 6",
        scale=scale,
    )
