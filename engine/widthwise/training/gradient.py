"""Gradient: an outer product of which only tiles are ever formed."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from widthwise.spaces import gram


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradient:
    r"""The gradient :math:`g_{ab} = s \sum_k left_k(a) \, right_k(b)` of one parameter at one step.

    Attributes:
        left: shape (replicate, term, row).
        right: shape (replicate, term, column).
        scale: s, which makes it of order one.
    """

    left: Tensor
    right: Tensor
    scale: float

    def tile(self, rows: slice, columns: slice) -> Tensor:
        """Some of its entries, (replicate, row, column)."""
        return torch.baddbmm(
            self.left.new_empty(()), self.left[..., rows].mT, self.right[..., columns], beta=0, alpha=self.scale
        )

    def rms(self) -> Tensor:
        """The root of the mean square of all entries, (replicate,)."""
        return self.mean_squares[2][:, 0, 0].sqrt()

    @cached_property
    def mean_squares(self) -> tuple[Tensor, Tensor, Tensor]:
        """Averages of squared entries over each row, over each column and over all, which broadcast to the entries."""
        of_left, of_right = (gram(x) * abs(self.scale) for x in (self.left, self.right))
        rows, columns = _quadratic(self.left, of_right), _quadratic(self.right, of_left)
        whole = (of_left * of_right).sum((1, 2)).to(self.left.dtype)
        scale = abs(self.scale)
        return rows[..., None] * scale, columns[:, None] * scale, whole[:, None, None]


def _quadratic(x: Tensor, form: Tensor) -> Tensor:
    """x^T form x for every coordinate; of a positive form, so that what rounding puts below 0 is 0."""
    return (x * (form.to(x.dtype) @ x)).sum(1).clamp(min=0)
