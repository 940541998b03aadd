r"""Standard normal coordinates to coordinates of a law: its quantile function after the normal distribution function.

Every law is symmetric, so that the tail probability of :math:`-|z|` decides the size and the sign of z the sign.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.special import ndtr, stdtrit
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws.names import Law

REACH = 13.0
"""Normal coordinates beyond it, whose probability is 1e-38, are taken for it."""

KNOTS = 4096


def image(z: Tensor, law: Law) -> Tensor:
    r""":math:`F^{-1}(\Phi(z))` of every entry, for the distribution function F of the law: increasing and odd.

    Computed in float64; the relative error is below 1e-9, and of the rounding of the dtype for most laws.

    Args:
        z: standard normal coordinates, of any shape, device and floating dtype.
        law: one of the built-in laws of single entries.

    Returns:
        The shape and the dtype of ``z``; independent entries of mean 0 and variance 1 if those of ``z`` are.

    Raises:
        ProgramError: the law has no quantile function: one of a user has a sampler only, ``orthogonal`` neither.
    """
    if law.family not in _IMAGES:
        why = "takes its entries from its sampler" if law.sampler else "is a law of matrices"
        message = f"{law.name}: {why}; only the laws {', '.join(_IMAGES)} are images of normal coordinates"
        raise ProgramError(message)
    return _IMAGES[law.family](z.double().clamp(-REACH, REACH), law.parameter or 0.0).to(z.dtype)


def truncated_quantile(u: Tensor, cut: float) -> Tensor:
    """Quantile (1 + u) / 2 of a normal variable cut at ``cut`` standard deviations, scaled to variance 1."""
    inside = math.erf(cut / math.sqrt(2))
    density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
    deviation = math.sqrt(1 - 2 * cut * density / inside)
    return (u * inside).erfinv_().mul_(math.sqrt(2) / deviation)


def _gaussian(z: Tensor, _: float) -> Tensor:
    return z


def _uniform(z: Tensor, _: float) -> Tensor:
    return math.sqrt(3) * torch.erf(z / math.sqrt(2))


def _rademacher(z: Tensor, _: float) -> Tensor:
    return torch.where(z < 0, -1.0, 1.0).double()


def _laplace(z: Tensor, _: float) -> Tensor:
    """The size is -log(2 q) / sqrt 2 for a tail probability q, a logarithm near 1 where z is small."""
    near = torch.log1p(-torch.erf(z.abs().clamp(max=1) / math.sqrt(2)))
    far = torch.special.log_ndtr(-z.abs()) + math.log(2)
    return torch.copysign(torch.where(z.abs() < 1, near, far), z) / math.sqrt(2)


def _sparse(z: Tensor, density: float) -> Tensor:
    """A normal variable of variance 1 / density where the tail probability is below half the density, else 0."""
    tail = torch.erfc(z.abs() / math.sqrt(2)) / (2 * density)
    return torch.copysign(torch.special.ndtri(tail.clamp(max=0.5)), z) / math.sqrt(density)


def _truncated_normal(z: Tensor, cut: float) -> Tensor:
    return truncated_quantile(torch.erf(z / math.sqrt(2)), cut)


def _student_t(z: Tensor, nu: float) -> Tensor:
    r"""By :math:`\log(1 + t^2 / \nu) = z^2 w(z)` with a table of w, which is even and nearly constant."""
    size = z.abs()
    coefficients = torch.from_numpy(_student_table(nu)).to(z.device)
    step = REACH / KNOTS
    cell = (size / step).long().clamp_(max=KNOTS - 1)
    cubic, square, linear, constant = coefficients.index_select(0, cell.flatten()).T.reshape(4, *z.shape)
    offset = size - cell * step
    w = ((cubic * offset + square) * offset + linear) * offset + constant
    return torch.copysign(torch.expm1(z.square() * w).mul_(nu - 2).sqrt_(), z)


@cache
def _student_table(nu: float) -> np.ndarray:
    """Coefficients of a cubic spline through w, highest power first, shape (cell, 4)."""
    z = np.linspace(0, REACH, KNOTS + 1)
    w = np.empty_like(z)
    w[1:] = np.log1p(stdtrit(nu, ndtr(-z[1:])) ** 2 / nu) / z[1:] ** 2
    half = (nu + 1) / 2
    peak = math.exp(math.lgamma(half) - math.lgamma(nu / 2)) / math.sqrt(nu * math.pi)
    w[0] = 1 / (2 * math.pi * peak**2 * nu)
    return np.ascontiguousarray(CubicSpline(z, w, bc_type=((1, 0.0), "not-a-knot")).c.T)


_IMAGES: Mapping[str, Callable[[Tensor, float], Tensor]] = {
    "gaussian": _gaussian,
    "laplace": _laplace,
    "rademacher": _rademacher,
    "sparse": _sparse,
    "student_t": _student_t,
    "truncated_normal": _truncated_normal,
    "uniform": _uniform,
}
