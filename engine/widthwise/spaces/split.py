"""Split vectors into what lies in a known orthonormal span and an orthonormal basis of what is left."""

import torch
from torch import Tensor

from widthwise.spaces.gram import gram

ROUNDING_UNITS = 32
"""A residual below this many units of rounding of its vector is none."""


def split(x: Tensor, known: Tensor | None) -> tuple[Tensor | None, Tensor, Tensor]:
    """Write ``x = inside @ known + factor @ new``, new rows orthonormal (for ``avg``) and orthogonal to the known ones.

    Projection and Cholesky-QR, each twice, with Gram matrices and triangular solves in float64. Where the vectors are
    nearly collinear among themselves they are split in two halves, the second against the first. A direction without a
    residual is dropped: a zero row of ``new``, for those replicates that lack it. A vector with an entry that is not
    finite (a network that diverged) has a row of NaN in ``factor`` and leaves the others alone.

    Args:
        x: shape (replicate, vector, coordinate).
        known: orthonormal rows (some of them zero), shape (replicate, row, coordinate), or None for none.

    Returns:
        inside, float64 (replicate, vector, row) or None; new (replicate, vector, coordinate); factor, float64 lower
        triangles (replicate, vector, vector).
    """
    at_once = _split_at_once(x, known)
    if at_once is not None:
        return at_once
    diverged = gram(x).diagonal(dim1=-2, dim2=-1).isfinite().logical_not()[..., None]
    if bool(diverged.any()):
        inside, new, factor = split(x.masked_fill(diverged, 0.0), known)
        return inside, new, factor.masked_fill(diverged, torch.nan)
    half = x.shape[1] // 2
    inside, new, factor = split(x[:, :half], known)
    rows = 0 if known is None else known.shape[1]
    both, last, last_factor = split(x[:, half:], new if known is None else torch.cat([known, new], 1))
    assert both is not None
    upper = torch.cat([factor, factor.new_zeros(*factor.shape[:2], last.shape[1])], 2)
    lower = torch.cat([both[..., rows:], last_factor], 2)
    return (
        None if inside is None else torch.cat([inside, both[..., :rows]], 1),
        torch.cat([new, last], 1),
        torch.cat([upper, lower], 1),
    )


def _split_at_once(x: Tensor, known: Tensor | None) -> tuple[Tensor | None, Tensor, Tensor] | None:
    """The split by two rounds of Cholesky-QR; None where the residuals are too collinear for it."""
    inside, rest = project(x, known)
    squares = gram(rest)
    sizes = squares.diagonal(dim1=-2, dim2=-1).sqrt()
    whole = sizes if inside is None else torch.hypot(sizes, torch.linalg.vector_norm(inside, dim=-1))
    alive = sizes > ROUNDING_UNITS * torch.finfo(x.dtype).eps * whole
    factor, inverse, conditioning = _cholesky(squares, sizes, alive)
    if not conditioning >= 1e-3:  # NaN too
        return None
    new = combine(inverse, rest)
    if known is None and conditioning > 0.1:
        return None, new, factor
    drift, new = project(new, known)
    squares = gram(new)
    sizes = squares.diagonal(dim1=-2, dim2=-1).sqrt()
    second, inverse, conditioning = _cholesky(squares, sizes, sizes > 0.5)
    if not conditioning >= 0.5:
        return None
    if inside is not None and drift is not None:
        inside = inside + factor @ drift
    return inside, combine(inverse, new), factor @ second


def combine(coefficients: Tensor, rows: Tensor) -> Tensor:
    """Linear combinations of rows, ``coefficients @ rows``, in the dtype of the rows."""
    return coefficients.to(rows.dtype) @ rows


def project(x: Tensor, known: Tensor | None) -> tuple[Tensor | None, Tensor]:
    """Coordinates of ``x`` in orthonormal rows, and ``x`` without its part in their span."""
    if known is None:
        return None, x
    inside = gram(x, known)
    return inside, torch.baddbmm(x, inside.to(x.dtype), known, alpha=-1)


def _cholesky(squares: Tensor, sizes: Tensor, alive: Tensor) -> tuple[Tensor, Tensor, float]:
    """Lower factor of a Gram matrix, its inverse, and the smallest pivot relative to its vector; 0 where there is none.

    Vectors that are not alive are left out: zero columns of the factor, zero rows of the inverse.
    """
    whole = bool(alive.all())
    if not whole:
        squares = squares * (alive[:, :, None] & alive[:, None, :]) + torch.diag_embed(alive.logical_not().double())
        sizes = torch.where(alive, sizes, 1.0)
    lower, info = torch.linalg.cholesky_ex(squares)
    if bool(info.any()):
        return lower, lower, 0.0
    conditioning = float((lower.diagonal(dim1=-2, dim2=-1) / sizes).min())
    identity = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device)
    inverse = torch.linalg.solve_triangular(lower, identity, upper=False)
    if whole:
        return lower, inverse, conditioning
    return lower * alive[:, None, :], inverse * alive[:, :, None], conditioning
