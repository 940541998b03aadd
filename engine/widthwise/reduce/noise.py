"""How far noise of a given size can reach, and with how many degrees of freedom its size is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from widthwise.reduce.samples import Array


@dataclass(frozen=True, kw_only=True)
class Noise:
    """An error vector: its mean square ``variance``, its spread (see moments) and how well the variance is known."""

    variance: float
    inverse_directions: float
    degrees: float

    def __add__(self, other: "Noise") -> "Noise":
        """The sum; by Cauchy and Schwarz at most this uneven, with degrees of freedom by Satterthwaite's rule."""
        variance = self.variance + other.variance
        if not variance > 0:
            return self
        shares = np.array([self.variance, other.variance]) / variance
        roots = np.sqrt([self.inverse_directions, other.inverse_directions])
        return Noise(
            variance=variance,
            inverse_directions=float(np.square((shares * roots).sum())),
            degrees=float(satterthwaite(shares, np.array([self.degrees, other.degrees]))),
        )

    def scaled(self, factor: float) -> "Noise":
        """The same noise with ``factor`` times the mean square."""
        return Noise(variance=self.variance * factor, inverse_directions=self.inverse_directions, degrees=self.degrees)

    @property
    def square_variance(self) -> float:
        """Variance of the squared length."""
        return 2.0 * self.variance**2 * self.inverse_directions

    def square_bound(self, confidence: float) -> float:
        """What the squared length stays below with probability ``confidence``: F quantile (Box's approximation)."""
        if not self.variance > 0:
            return self.variance
        directions = 1.0 / self.inverse_directions
        return self.variance * float(special.fdtri(directions, self.degrees * directions, confidence))


def satterthwaite(variances: Array, degrees: ArrayLike, axis: int = -1) -> Array:
    """Degrees of freedom of a sum of estimated variances, (sum v)^2 / sum(v^2 / degrees)."""
    return np.square(variances.sum(axis=axis)) / (np.square(variances) / degrees).sum(axis=axis)
