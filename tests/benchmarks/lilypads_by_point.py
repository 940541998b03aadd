r"""Newton lilypads as FPNN (2111.00841) states them in Algorithm 1, one grid point after another, in plain Python.

What ``bench_spectrum.py`` compares widthwise with. For :math:`J = D_L W_L \cdots D_1 W_1` of equal widths, entries of
every W_l of variance v_l / width, the moment transform m of the law of :math:`J^T J` solves

.. math:: z m = (1 + m) \prod_l v_l a_l(m), \qquad E\left[\frac{d_l^2}{a_l - m d_l^2}\right] = 1,

where :math:`a_l = 1/2 + m` for ReLU. From high above a point, where m = 0 is in the basin of attraction, steps go
straight down to it; a step is halved until the Newton-Kantorovich test says that Newton's method stays with the root.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

PADS, ROUNDS = 2000, 50
"""On the way to a point, and of Newton's method, at most."""

ROUNDING = 1e-14
"""The relative step or residual that ends Newton's method."""


class LostError(Exception):
    """A step was halved until it was none, or pads lead nowhere."""


class Layers(Protocol):
    """The functions a_l of all layers."""

    def at(self, m: complex, near: NDArray[np.complex128] | None) -> tuple[NDArray[np.complex128], ...]:
        """a, a' and a'' at m, (layer,) each, found from ``near``, those of a nearby m; None stands for m = 0."""
        ...

    def curvature(self, m: complex, radius: float, a: NDArray[np.complex128]) -> float | None:
        """A bound on the second derivative of (1 + m) prod a within ``radius`` of m; None if none is known."""
        ...


@dataclass(frozen=True, kw_only=True)
class Closed:
    """Slopes that are 1 with probability ``alive``, else 0: :math:`a = alive + m`. That is ReLU, or hard tanh."""

    alive: NDArray[np.float64]

    def at(self, m: complex, near: NDArray[np.complex128] | None) -> tuple[NDArray[np.complex128], ...]:
        """In closed form."""
        a = self.alive + m
        return a, np.ones_like(a), np.zeros_like(a)

    def curvature(self, m: complex, radius: float, a: NDArray[np.complex128]) -> float:
        """Of a product of linear factors that of the sizes they have at most."""
        factors = np.append(np.abs(a), abs(1 + m)) + radius
        inverse = 1 / factors
        return float(np.prod(factors) * (inverse.sum() ** 2 - (inverse**2).sum()))


@dataclass(frozen=True, kw_only=True)
class Quadrature:
    """Slopes whose squares have the given nodes (layer, node) and weights (node,); a by Newton's method."""

    squares: NDArray[np.float64]
    weights: NDArray[np.float64]

    def at(self, m: complex, near: NDArray[np.complex128] | None) -> tuple[NDArray[np.complex128], ...]:
        """Raises `LostError` where Newton's method does not settle."""
        a = self.squares @ self.weights + 0j if near is None else near
        for _ in range(ROUNDS):
            shifted = self.squares / (a[:, None] - m * self.squares)
            step = (shifted @ self.weights - 1) / ((shifted / (a[:, None] - m * self.squares)) @ self.weights)
            a = a + step
            if not np.all(np.isfinite(a)):
                break
            if np.all(np.abs(step) <= ROUNDING * np.abs(a)):
                return a, *self._derivatives(m, a)
        raise LostError

    def curvature(self, m: complex, radius: float, a: NDArray[np.complex128]) -> None:
        """Unknown."""

    def _derivatives(self, m: complex, a: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], ...]:
        """By implicit differentiation, once and twice."""
        room = a[:, None] - m * self.squares
        one = self.squares / room**2
        below, above = one @ self.weights, (one * self.squares) @ self.weights
        first = above / below
        shift = -2 * one * (first[:, None] - self.squares) / room
        second = ((shift * (self.squares - first[:, None])) @ self.weights) / below
        return first, second


@dataclass(frozen=True, kw_only=True)
class Pad:
    """A point that was reached: z, m and the a_l there."""

    z: complex
    m: complex
    a: NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True)
class Lilypads:
    """The equation of a network: its layers and the weight variance of each, (layer,)."""

    layers: Layers
    variances: NDArray[np.float64]

    def density(self, x: float, height: float, start: Pad | None = None) -> tuple[float, Pad]:
        r""":math:`-Im\,G(x + iy) / \pi` and where it was found.

        Raises:
            LostError: no way there was found.
        """
        pad = self.reach(complex(x, height), start or self.above(complex(x, height)))
        return -((1 + pad.m) / pad.z).imag / math.pi, pad

    def above(self, z: complex) -> Pad:
        """A point above z from where m = 0 leads to the root, by doubling the height."""
        a, *_ = self.layers.at(0j, None)
        while not self._in_basin(Pad(z=z, m=0j, a=a), z):
            z = complex(z.real, 2 * z.imag)
        pad = self._newton(Pad(z=z, m=0j, a=a), z)
        if pad is None:
            raise LostError
        return pad

    def reach(self, target: complex, pad: Pad) -> Pad:
        """From pad to pad, each as far as the Newton-Kantorovich test allows."""
        for _ in range(PADS):
            if pad.z == target:
                return pad
            pad = self._next(pad, target)
        raise LostError

    def _next(self, pad: Pad, target: complex) -> Pad:
        """The next pad on the way, after as many halvings as it takes."""
        step = target - pad.z
        while pad.z + step != pad.z:
            following = self._newton(pad, pad.z + step) if self._in_basin(pad, pad.z + step) else None
            if following is not None:
                return following
            step /= 2
        raise LostError

    def _in_basin(self, pad: Pad, z: complex) -> bool:
        r""":math:`|\phi| \kappa / |\phi'|^2 \le 1/2`, with kappa the second derivative of phi within twice its step.

        Where no bound is known, that at the point itself counts twice. The step must stay in the lower half plane.
        """
        value, first, second = self._phi(z, pad.m, self.layers.at(pad.m, pad.a))
        if first == 0 or (pad.m - value / first).imag >= 0:
            return False
        step = abs(value / first)
        bound = self.layers.curvature(pad.m, 2 * step, pad.a)
        curvature = 2 * abs(second) if bound is None else bound * float(np.prod(self.variances))
        return step * curvature <= abs(first) / 2

    def _newton(self, pad: Pad, z: complex) -> Pad | None:
        """The root at z from that of a pad nearby; None where Newton's method does not settle."""
        m, a = pad.m, pad.a
        for _ in range(ROUNDS):
            try:
                all_of_a = self.layers.at(m, a)
            except LostError:
                return None
            a = all_of_a[0]
            value, first, _ = self._phi(z, m, all_of_a)
            step = value / first
            m -= step
            if abs(step) <= ROUNDING * abs(m) or abs(value) <= ROUNDING * abs(z * m):
                return Pad(z=z, m=m, a=a)
        return None

    def _phi(self, z: complex, m: complex, a: Sequence[NDArray[np.complex128]]) -> tuple[complex, complex, complex]:
        r""":math:`\phi(m) = (1 + m) \prod_l v_l a_l(m) - z m` and its first two derivatives."""
        value, first, second = a
        product = (1 + m) * complex(np.prod(self.variances * value))
        ratio = first / value
        slope = 1 / (1 + m) + complex(ratio.sum())
        bend = -1 / (1 + m) ** 2 + complex((second / value - ratio**2).sum())
        return product - z * m, product * slope - z, product * (slope**2 + bend)
