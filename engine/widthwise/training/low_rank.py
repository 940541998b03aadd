"""LowRank: what a linear optimizer adds to a parameter, as factors; never a matrix."""

import torch
from torch import Tensor

from widthwise.spaces import gram
from widthwise.training.gradient import Gradient
from widthwise.training.move import Move
from widthwise.training.optimizer import last_update


class LowRank:
    r"""The sum :math:`D_{ab} = \sum_k c_k \, left_k(a) \, right_k(b)` over the terms of all steps so far.

    Of SGD and momentum: O(n k) memory and time for k vectors at every width, and for kets without any sampling of
    pairs. Source: TP4b 2.7.1.
    """

    def __init__(self, move: Move) -> None:
        self._move = move
        self._scales: list[Tensor] = []
        self._left = self._right = self._coefficients = torch.empty(0)

    def advance(self, gradient: Gradient, t: int) -> None:
        """Take step t."""
        left, right = gradient.left, gradient.right
        new = left.new_zeros(left.shape[:2], dtype=torch.float64)
        self._left = torch.cat([self._left, left], 1) if t else left
        self._right = torch.cat([self._right, right], 1) if t else right
        self._coefficients = torch.cat([self._coefficients, new], 1) if t else new
        self._scales.append(new.new_full((left.shape[1],), gradient.scale))
        update = self._update(t)
        rate = self._move.rate_of(t, lambda: self._size(update))
        step = update * (rate if isinstance(rate, float) else rate[..., 0])
        self._coefficients = (1 - self._move.decay(t)) * self._coefficients - step

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """The mean over columns :math:`E_b[D_{ab} x_b]`, of the transpose over rows; (replicate, ..., coordinate)."""
        inner, outer = (self._left, self._right) if transposed else (self._right, self._left)
        weights = gram(x, inner) * self._coefficients[:, None]
        return weights.to(outer.dtype) @ outer

    def entries(self) -> Tensor:
        """D itself, (replicate, row, column)."""
        return (self._left * self._coefficients[..., None].to(self._left.dtype)).mT @ self._right

    def _update(self, t: int) -> Tensor:
        """The coefficients of all terms in the update, (term,)."""
        steps = last_update(self._move.optimizer, torch.eye(t + 1, dtype=torch.float64, device=self._scales[0].device))
        return torch.cat([share * scale for share, scale in zip(steps, self._scales, strict=True)])

    def _size(self, update: Tensor) -> Tensor:
        """Root of the mean square over all entries, (replicate, 1, 1)."""
        products = gram(self._left) * gram(self._right)
        return torch.einsum("k,rkl,l->r", update, products, update).clamp(min=0).sqrt()[:, None, None]
