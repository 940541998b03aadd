"""The experiment ``clipped_identity``: where the law of the entries matters, and where not."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import ClippedIdentity
from widthwise.laws import law
from widthwise.laws.images import image
from widthwise.spaces import Space

EDGE = 0.5
"""Where the identity is cut off."""

MIDPOINTS = 1 << 20
"""Of cells of equal probability, over which a law is averaged: the two jumps cost an error of 1e-6."""


def clipped_identity(options: ClippedIdentity) -> Experiment:
    r""":math:`f = \frac1n u^T \phi(u)` with :math:`\phi(x) = x\,[|x| \le 1/2]`, and the same of :math:`h = W z`.

    With u itself of the law, its coordinates decide f. With W of the law, the coordinates of h are Gaussian in the
    limit, and f is that of a Gaussian u. ``delta`` makes :math:`\phi` smooth, as the theorems want it (NGTP section 4,
    appendix B).
    """

    def measure(space: Space) -> Mapping[str, Tensor]:
        u, z = space.vector(law=options.law), space.vector()
        h = space.matrix(law=options.law)(z)
        f = {"vector": u, "matrix": h.detach()}
        return {name: space.avg(x * clip(x, options.delta))[:, 0] for name, x in f.items()}

    def exact() -> Mapping[str, np.ndarray]:
        return {"vector": np.array(_of_law(options)), "matrix": np.array(gaussian_energy(options.delta))}

    return Experiment(
        name="clipped_identity",
        readouts=(
            _readout("vector", "avg(u clip(u)) for a vector u of the law"),
            _readout("matrix", "avg(h clip(h)) for h = W z with a matrix W of the law"),
        ),
        measure=measure,
        exact=exact,
    )


def clip(x: Tensor, delta: float) -> Tensor:
    r""":math:`E[\phi(x + \delta z)]` of the clipped identity for a standard normal z; the clip itself for delta = 0."""
    if delta == 0:
        return torch.where(x.abs() <= EDGE, x, 0.0)
    low, high = (-EDGE - x) / delta, (EDGE - x) / delta
    inside = torch.special.ndtr(high) - torch.special.ndtr(low)
    edges = torch.exp(-(low**2) / 2) - torch.exp(-(high**2) / 2)
    return x * inside + delta / math.sqrt(2 * math.pi) * edges


def gaussian_energy(delta: float) -> float:
    r""":math:`E[z \phi_\delta(z)] = P(|z| \le c) - 2c\,pdf(c)` with :math:`c = 1 / (2 \sqrt{1 + \delta^2})`."""
    c = EDGE / math.sqrt(1 + delta**2)
    return math.erf(c / math.sqrt(2)) - 2 * c * math.exp(-(c**2) / 2) / math.sqrt(2 * math.pi)


def _of_law(options: ClippedIdentity) -> float:
    """The average over the law; NaN of a user's own, whose quantiles are not known."""
    named = law(options.law)
    if named.sampler:
        return math.nan
    probabilities = (np.arange(MIDPOINTS) + 0.5) / MIDPOINTS
    u = image(torch.from_numpy(ndtri(probabilities)), named)
    return float((u * clip(u, options.delta)).mean())


def _readout(name: str, description: str) -> Readout:
    return Readout(
        name=name,
        dims=(),
        shape=(),
        long_name=f"clipped energy of a {name}",
        description=description,
        source="NGTP, section 4 and appendix B",
        scale=gaussian_energy(0.0),
    )
