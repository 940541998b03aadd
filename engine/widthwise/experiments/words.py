"""Words: alternating products of centred polynomials of a matrix and of centred diagonals, and their traces."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from widthwise.spaces import Matrix, Space

Operator = Callable[[Tensor], Tensor]


def letters(w: Matrix) -> dict[str, Operator]:
    r"""Three polynomials of W, with :math:`\rho` rows per column, centred if its entries are independent.

    .. math:: A = S - \rho, \qquad B = S^2 - \rho (1 + \rho), \qquad C = W W^T / s - 1, \qquad S = W^T W / s

    for entries of variance s / columns.
    """
    ratio = w.rows.extent / w.columns.extent
    second = ratio * (1 + ratio)

    def square(x: Tensor) -> Tensor:
        return w.T(w(x)) / w.variance

    return {
        "A": lambda x: square(x) - ratio * x,
        "B": lambda x: square(square(x)) - second * x,
        "C": lambda x: w(w.T(x)) / w.variance - x,
    }


def diagonal(space: Space, d: Tensor) -> Operator:
    """The diagonal matrix of d without its mean."""
    centred = d - space.avg(d)[..., None]
    return lambda x: centred * x


def traces(space: Space, known: Mapping[str, Operator], words: Sequence[str], v: Tensor) -> Tensor:
    """``avg(v M v)`` for every word M, letters between spaces, (replicate, word)."""
    return torch.cat([_trace(space, [known[letter] for letter in word.split()], v) for word in words], -1)


def _trace(space: Space, operators: list[Operator], v: Tensor) -> Tensor:
    x = v
    for operator in reversed(operators):
        x = operator(x)
    return space.avg(v * x)
