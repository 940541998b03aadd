r"""Recurrence coefficients of a law by its Cauchy transform on an ellipse around the support.

For polynomials p, :math:`\int p\,d\mu = \frac{i}{2\pi} \oint p(z) T(z) dz` with :math:`T(z) = \int d\mu(x) / (x - z)`.
The trapezoidal rule on the ellipse is exact up to what its reach to the power of the number of points leaves, so that
it serves as a discrete measure with complex nodes, of which coefficients come by Stieltjes' procedure.
"""

from dataclasses import dataclass

import numpy as np

from widthwise.theory.free.measure import Complex
from widthwise.theory.kernels import Array

LOSS = 6.0
"""Roundings grow by exp(LOSS) where polynomials of the highest degree cancel on the ellipse."""

ALIASING = 28.0
"""What the rule misses is exp(-ALIASING)."""

MARGIN = 1.05
"""The foci are so much farther apart than the ends of the support."""

SHORTEST = 0.01
"""The distance of the foci by the upper end, at least: the support may be a point."""


@dataclass(frozen=True, kw_only=True)
class Contour:
    """Points in the upper half of an ellipse, and dz / (2 pi) there, each (point,)."""

    z: Complex
    parts: Complex


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """Of the recurrence of a law, each (step,), and its mass."""

    alpha: Array
    beta: Array
    mass: float


def contour(support: Array, steps: int) -> Contour:
    """An ellipse around the interval with these two ends, the support or more of it, for so many coefficients."""
    reach = min(LOSS / (2 * steps), 0.7)
    count = int(np.ceil((2 * steps + ALIASING / reach) / 2))
    turn = np.exp(reach + 1j * np.pi * (np.arange(count) + 0.5) / count)
    half = max(MARGIN * (support[1] - support[0]), SHORTEST * support[1]) / 2
    middle = (support[0] + support[1]) / 2
    return Contour(z=middle + half / 2 * (turn + 1 / turn), parts=half / 4 * (turn - 1 / turn) / count)


def coefficients(around: Contour, trace: Complex, steps: int) -> Coefficients:
    """Of the law whose transform ``E[1 / (x - z)]`` on the contour is ``trace``; 0 beyond the number of its points."""
    weights = -2 * around.parts * trace

    def mean(values: Complex) -> float:
        return float((weights @ values).real)

    before, now = np.zeros_like(trace), np.ones_like(trace)
    mass = mean(now)
    alpha, beta = np.zeros(steps), np.zeros(steps)
    for k in range(steps):
        alpha[k] = mean(around.z * now**2)
        rest = (around.z - alpha[k]) * now - (beta[k - 1] if k else 0.0) * before
        square = mean(rest**2)
        if square < (1e-6 * np.abs(around.z).max()) ** 2:
            break
        beta[k] = square**0.5
        before, now = now, rest / beta[k]
    return Coefficients(alpha=alpha, beta=beta, mass=mass)
