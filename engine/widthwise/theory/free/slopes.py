"""Laws of squared slopes: of phi'(h)^2 for a Gaussian preactivation h, as points with weights."""

from collections.abc import Callable, Sequence

import numpy as np

from widthwise.errors import SpecError
from widthwise.theory.free.measure import Measure
from widthwise.theory.kernels import Array
from widthwise.theory.panels import place

HALF_RANGE = 8.0
"""The normal law has a mass of 1e-15 beyond."""

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(16)

PANELS = 512
"""Of 16 points each, on either side of 0."""


def slope_law(derivative: Callable[[Array], Array], variance: float, kinks: Sequence[float] = ()) -> Measure:
    r"""The law of :math:`\phi'(h)^2`, h normal of mean 0, as a rule of some 10^4 points.

    Args:
        derivative: of the activation, elementwise.
        variance: of h; 0 for the slope at 0.
        kinks: where the derivative jumps or bends.

    Returns:
        A measure; slopes that are piecewise constant have a point for each value, with its exact mass.

    Raises:
        SpecError: the variance is negative or not finite.
    """
    if not 0 <= variance < np.inf:
        message = f"variance: {variance} of a preactivation is not allowed; it must be finite and not negative"
        raise SpecError(message)
    inner = np.abs(place(np.asarray(kinks, np.float64), np.sqrt(variance)))
    borders = np.unique(np.append(np.linspace(0, HALF_RANGE, PANELS + 1), inner[inner < HALF_RANGE]))
    half = np.diff(borders)[:, None] / 2
    z = (borders[:-1, None] + half * (1 + POINTS)).ravel()
    weights = (half * WEIGHTS).ravel() * np.exp(-(z**2) / 2)
    slopes = derivative(np.sqrt(variance) * np.concatenate([z, -z])) ** 2
    return Measure(slopes, np.concatenate([weights, weights]))
