"""Split vectors into what lies in a known orthonormal span and an orthonormal basis of what is left."""

import torch
from scipy.linalg.lapack import dpstrf
from torch import Tensor

from widthwise.spaces.gram import gram

ROUNDING_UNITS = 32
"""A residual below this many units of rounding of its vector is none."""

SPREAD = 0.003
"""How much smaller residuals may be at the end of a round than at its beginning."""

PRECEDENCE = 0.1
"""By how much the last of several vectors must be more independent than the first to come before it."""

TINY = torch.finfo(torch.float64).tiny


def split(x: Tensor, known: Tensor | None) -> tuple[Tensor | None, Tensor, Tensor]:
    """Write ``x = inside @ known + factor @ new``, new rows orthonormal (for ``avg``) and orthogonal to the known ones.

    Projection and Cholesky-QR, each twice, with Gram matrices and triangular solves in float64. Where the vectors are
    nearly collinear among themselves the most independent of them come first, and the others are split against these.
    A direction without a residual is dropped: a zero row of ``new``, for those replicates that lack it. A vector with
    an entry that is not finite (a network that diverged) has a row of NaN in ``factor`` and leaves the others alone.

    Args:
        x: shape (replicate, vector, coordinate).
        known: orthonormal rows (some of them zero), shape (replicate, row, coordinate), or None for none.

    Returns:
        inside, float64 (replicate, vector, row) or None; new (replicate, vector, coordinate); factor, float64
        (replicate, vector, vector).
    """
    at_once = _split_at_once(x, known)
    if at_once is not None:
        return at_once
    sizes = gram(x).diagonal(dim1=-2, dim2=-1).sqrt()
    diverged = sizes.isfinite().logical_not()[..., None]
    if bool(diverged.any()):
        inside, new, factor = split(x.masked_fill(diverged, 0.0), known)
        return inside, new, factor.masked_fill(diverged, torch.nan)
    return _split_in_rounds(x, known, sizes)


def _split_in_rounds(x: Tensor, known: Tensor | None, whole: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
    """Each round takes the vectors that are most independent of one another and of all taken before.

    A direction is then that of a vector with a residual as large as there is: rounding decides as little of it as it
    can. ``whole`` are the sizes of the vectors.
    """
    inside, rest = _projected_twice(x, known)
    new, factor = torch.zeros_like(x), whole.new_zeros(*x.shape[:2], x.shape[1])
    left, rows = whole > 0, known
    while True:
        squares = gram(rest)
        left &= squares.diagonal(dim1=-2, dim2=-1).sqrt() > ROUNDING_UNITS * torch.finfo(x.dtype).eps * whole
        if not bool(left.any()):
            return inside, new, factor
        taken = _most_independent(squares / (whole[:, :, None] * whole[:, None, :]).clamp_min(TINY), left)
        places, chosen = _gathered(rest, taken)
        found = _orthonormal(chosen, rows)
        new.scatter_add_(1, places[..., None].expand_as(found), found)
        factor.scatter_add_(2, places[:, None].expand(-1, x.shape[1], -1), gram(rest, found))
        left &= ~taken
        if not bool(left.any()):
            return inside, new, factor
        _, rest = _projected_twice(rest, found)
        rows = found if rows is None else torch.cat([rows, found], 1)


def _gathered(x: Tensor, taken: Tensor) -> tuple[Tensor, Tensor]:
    """The places of the vectors that are taken and these vectors; zeros where other replicates have more of them."""
    places = taken.int().argsort(dim=1, descending=True, stable=True)[:, : int(taken.sum(1).max())]
    vectors = x.gather(1, places[..., None].expand(-1, -1, x.shape[2]))
    return places, taken.gather(1, places)[..., None] * vectors


def _projected_twice(x: Tensor, known: Tensor | None) -> tuple[Tensor | None, Tensor]:
    """Once leaves of a small residual mostly rounding."""
    inside, rest = project(x, known)
    drift, rest = project(rest, known)
    return (None if inside is None or drift is None else inside + drift), rest


def _orthonormal(x: Tensor, known: Tensor | None) -> Tensor:
    """Orthonormal rows for independent vectors, orthogonal to the known ones; in halves if not at once."""
    at_once = _split_at_once(x, known)
    if at_once is not None:
        return at_once[1]
    half = x.shape[1] // 2
    first = _orthonormal(x[:, :half], known)
    return torch.cat([first, _orthonormal(x[:, half:], first if known is None else torch.cat([known, first], 1))], 1)


def _most_independent(squares: Tensor, left: Tensor) -> Tensor:
    """A choice among those that are left, bool (replicate, vector), out of products of residuals relative to vectors.

    All whose residual is `SPREAD` of the largest at least, if they are independent of one another; else one after the
    other, each with the largest residual beside those before.
    """
    scores = squares.diagonal(dim1=-2, dim2=-1) * left
    enough = SPREAD**2 * scores.amax(-1, keepdim=True)
    likely = left & (scores > enough)
    if _cholesky(squares, scores.sqrt(), likely)[2] > SPREAD:
        return likely
    return _by_pivots(squares, left, enough)


def _by_pivots(squares: Tensor, left: Tensor, enough: Tensor) -> Tensor:
    """The pivots of a Cholesky factorisation, until no residual is more than ``enough``; of equal ones the first."""
    ahead = torch.linspace(1.0, 1 - PRECEDENCE, squares.shape[1], dtype=squares.dtype, device=squares.device) * left
    weighed = (squares * ahead[:, :, None] * ahead[:, None, :]).cpu().numpy()
    taken = torch.zeros_like(left)
    for each, matrix, least in zip(taken, weighed, enough[:, 0].tolist(), strict=True):
        if least > 0:
            _, pivots, rank, _ = dpstrf(matrix, tol=least)
            each[torch.from_numpy(pivots[:rank] - 1).to(each.device)] = True
    return taken


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
