"""Lanczos in the program: recurrence coefficients of the spectrum of a Jacobian, from products with it alone."""

import torch
from torch import Tensor

from widthwise.spaces.gram import gram
from widthwise.spaces.jacobian import Jacobian
from widthwise.spaces.split import ROUNDING_UNITS


def lanczos(J: Jacobian, v: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    r"""Recurrence coefficients of the law of the eigenvalues of :math:`J^\top J` as v sees them.

    .. math:: J^\top J \, q_k = \beta_{k-1} q_{k-1} + \alpha_k q_k + \beta_k q_{k+1}, \qquad q_1 = v / |v|

    with orthonormal q for the average of products over all axes but the replicate, orthogonalised twice against all
    before. For a random initial v they converge to those of the limit spectral law, of which they are numbers of the
    program: the first 2 ``steps`` moments and no more.

    Where nothing is left but rounding (an isometry, J = 0, fewer directions than steps) the rest is 0.

    Args:
        J: from `jacobian`.
        v: in the shape of x.
        steps: how many, at least 1.

    Returns:
        alpha and beta, float64 (replicate, step); the last beta is the size of what the steps leave.

    Source:
        TP3 (2009.10685); Golub and Meurant, Matrices, Moments and Quadrature (2010), section 4.1.
    """
    known = [_over(v, _size(v))]
    alphas, betas = [], []
    for _ in range(steps):
        image = J.T(J(known[-1]))
        alpha, rest = _inner(known[-1], image), image
        for _ in range(2):
            for q in known:
                rest = rest - _like(_inner(q, rest), q) * q
        beta = _size(rest)
        left = beta > ROUNDING_UNITS * torch.finfo(v.dtype).eps * _size(image)
        alphas.append(alpha)
        betas.append(beta * left)
        known.append(_over(rest, torch.where(left, beta, torch.inf)))
    return torch.stack(alphas, -1), torch.stack(betas, -1)


def _inner(x: Tensor, y: Tensor) -> Tensor:
    """Average of products over all axes but the replicate, float64 (replicate,); no derivative is taken of it."""
    flat = [each.detach().flatten(1)[:, None] for each in (x, y)]
    return gram(*flat)[:, 0, 0]


def _size(x: Tensor) -> Tensor:
    return _inner(x, x).sqrt()


def _over(x: Tensor, size: Tensor) -> Tensor:
    return x / _like(size, x)


def _like(numbers: Tensor, x: Tensor) -> Tensor:
    """(replicate,) as (replicate, 1, ...) in the dtype of x."""
    return numbers.to(x.dtype).reshape(-1, *(1,) * (x.dim() - 1))
