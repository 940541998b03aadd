r"""The semicircle and the Marchenko-Pastur law: moments, expectations and quantiles.

Both densities become :math:`\sin^2\varphi` times something smooth in the angle of :math:`x = m - r \cos\varphi`, where
m and r are middle and half width of the support: square root edges, and the inverse root of a hard edge, vanish.
"""

from collections.abc import Callable
from math import comb

import numpy as np
import numpy.typing as npt

from widthwise.errors import SpecError
from widthwise.theory.cells import borders
from widthwise.theory.kernels import Array

HALVINGS = 54  # of an angle below pi, down to the last bit


def semicircle_moments(orders: int) -> Array:
    r"""Moments :math:`E[x^k]`, k = 1 .. ``orders``, of the semicircle law on [-2, 2].

    Catalan numbers at even, 0 at odd orders: the limit of :math:`v \cdot A^k v` for a random unit vector v and
    :math:`A = (W + W^T) / \sqrt 2`, W square with entries of variance 1/n.

    Returns:
        Shape (order,).

    Source:
        TP3 (2009.10685); mathematics: section 10.
    """
    values = [0 if k % 2 else comb(k, k // 2) // (k // 2 + 1) for k in range(1, orders + 1)]
    return np.array(values, dtype=np.float64)


def marchenko_pastur_moments(ratio: float, orders: int) -> Array:
    r"""Moments :math:`E[x^k] = \sum_{r<k} \mathrm{ratio}^r N(k, r+1)`, k = 1 .. ``orders``, with Narayana numbers N.

    The law is that of the eigenvalues of :math:`W W^T`, W of shape (n1, n2) with entries of variance 1/n2.

    Args:
        ratio: n1 / n2, above 0.
        orders: the highest order.

    Returns:
        Shape (order,).

    Raises:
        SpecError: if the ratio is not a positive number.

    Source:
        TP3 (2009.10685); mathematics: section 10.
    """
    _check_ratio(ratio)
    values = [sum(comb(k, r + 1) * comb(k, r) // k * float(ratio) ** r for r in range(k)) for k in range(1, orders + 1)]
    return np.array(values, dtype=np.float64)


def semicircle_expectation(coefficients: npt.ArrayLike) -> float:
    """``E[p(x)]`` of a polynomial under the semicircle law on [-2, 2].

    Args:
        coefficients: of powers 0, 1, 2, ... in this order, shape (power,), at least one.
    """
    return _expectation(coefficients, semicircle_moments)


def marchenko_pastur_expectation(ratio: float, coefficients: npt.ArrayLike) -> float:
    """``E[p(x)]`` of a polynomial under the law of ``marchenko_pastur_moments``.

    Args:
        ratio: n1 / n2, above 0.
        coefficients: of powers 0, 1, 2, ... in this order, shape (power,), at least one.

    Raises:
        SpecError: if the ratio is not a positive number.
    """
    return _expectation(coefficients, lambda orders: marchenko_pastur_moments(ratio, orders))


def semicircle_quantiles(cells: int) -> Array:
    r"""Means of the quantile function over equal cells of (0, 1): :math:`cells \int_{i/cells}^{(i+1)/cells} Q(p) dp`.

    Errors are a few roundings (2e-16) times ``cells``.

    Args:
        cells: at least 1.

    Returns:
        Shape (cell,), ascending, within [-2, 2].

    Raises:
        SpecError: if there is no cell.
    """
    angle = _angles(_area, borders("even", cells))
    return -4 / (3 * np.pi) * cells * np.diff(np.sin(angle) ** 3)


def marchenko_pastur_quantiles(ratio: float, cells: int) -> Array:
    r"""Means of the quantile function over equal cells of (0, 1), for the law of ``marchenko_pastur_moments``.

    For a ratio above 1 a part 1 - 1/ratio of the eigenvalues is 0, and a cell in which the others begin holds both.
    Errors are a few roundings (2e-16) of the upper edge :math:`(1 + \sqrt{\mathrm{ratio}})^2`, times ``cells``, and
    by :math:`\sqrt{\mathrm{ratio}}` for a ratio below 1.

    The distance W2 between n numbers x and the law is exact with a cell for each: its square is the mean of
    ``(sort(x) - q)**2``, plus the law's second moment, minus the mean of ``q**2``. That holds for every law.

    Args:
        ratio: n1 / n2, above 0.
        cells: at least 1.

    Returns:
        Shape (cell,), ascending, not negative.

    Raises:
        SpecError: if the ratio is not a positive number or there is no cell.
    """
    _check_ratio(ratio)
    tall = max(ratio, 1.0)
    # The eigenvalues that are not 0, a part 1/tall of all, are `tall` times those of the transposed matrix.
    share = np.clip(1 - tall * (1 - borders("even", cells)), 0.0, 1.0)
    angle = _angles(lambda phi: _marchenko_pastur_mass(phi, min(ratio, 1 / ratio)), share)
    return cells * np.diff(_area(angle))


def _area(angle: Array) -> Array:
    r""":math:`\frac2\pi \int_0^\varphi \sin^2`: the semicircle's mass, and Marchenko-Pastur's integral of x dF(x)."""
    return (angle - np.sin(angle) * np.cos(angle)) / np.pi


def _marchenko_pastur_mass(angle: Array, ratio: float) -> Array:
    r""":math:`\frac2\pi \int_0^\varphi \sin^2 / x` with :math:`x = 1 + c - 2 \sqrt c \cos\varphi`, c = ratio at most 1.

    From :math:`4 c \sin^2\varphi = 2 (1 + c) x - x^2 - (1 - c)^2` and
    :math:`(1 - c) \int 1/x = \varphi + 2 \arg(1 - \sqrt c e^{-i\varphi})`.
    """
    root = np.sqrt(ratio)
    real = (1 - ratio) / (1 + root) + 2 * root * np.sin(angle / 2) ** 2  # 1 - root cos(angle), nothing cancels
    turn = np.arctan2(root * np.sin(angle), real)
    return (angle + turn + (root * np.sin(angle) - turn) / ratio) / np.pi


def _angles(mass: Callable[[Array], Array], share: Array) -> Array:
    """The angles in [0, pi] at which an increasing mass reaches the given shares, by bisection."""
    low, high = np.zeros_like(share), np.full_like(share, np.pi)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = mass(middle) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(share <= 0, 0.0, np.where(share >= 1, np.pi, high))


def _expectation(coefficients: npt.ArrayLike, moments: Callable[[int], Array]) -> float:
    weights = np.asarray(coefficients, dtype=np.float64)
    return float(weights[0] + weights[1:] @ moments(len(weights) - 1))


def _check_ratio(ratio: float) -> None:
    if not 0 < ratio < np.inf:
        message = f"ratio: {ratio} is not a positive number; it is the number of rows by the number of columns"
        raise SpecError(message)
