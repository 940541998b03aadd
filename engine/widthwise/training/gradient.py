"""Gradient: an outer product of which only tiles are ever formed."""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from widthwise.spaces import first, gram, whole


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradient:
    r"""The gradient :math:`g_{ab} = s \sum_k left_k(a) \, right_k(b)` of one parameter at one step.

    Attributes:
        left: shape (replicate, term, row).
        right: shape (replicate, term, column).
        scale: s, which makes it of order one.
        part_of: the gradient of which it has some rows and columns.
    """

    left: Tensor
    right: Tensor
    scale: float
    part_of: "Gradient | None" = None

    def first(self, rows: int, columns: int) -> "Gradient":
        """Its first rows and columns, counted over all shards."""
        return replace(self, left=first(self.left, rows), right=first(self.right, columns), part_of=self)

    def tile(self, rows: slice) -> Tensor:
        """Some of its rows, (replicate, row, column)."""
        return torch.baddbmm(self.left.new_empty(()), self.left[..., rows].mT, self.right, beta=0, alpha=self.scale)

    def rms(self) -> Tensor:
        """The root of the mean square of all entries, (replicate,)."""
        return self.mean_squares[2][:, 0, 0].sqrt()

    @cached_property
    def mean_squares(self) -> tuple[Tensor, Tensor, Tensor]:
        """Averages of squared entries over each row, over each column and over all, which broadcast to the entries.

        Of a part they are those of the whole, for its own rows and columns.
        """
        if self.part_of is not None:
            of_rows, of_columns, every = self.part_of.mean_squares
            kept = whole(self.left.shape[-1]), whole(self.right.shape[-1])
            return first(of_rows.mT, kept[0]).mT, first(of_columns, kept[1]), every
        of_left, of_right = (gram(x) * abs(self.scale) for x in (self.left, self.right))
        rows, columns = _quadratic(self.left, of_right), _quadratic(self.right, of_left)
        mean = (of_left * of_right).sum((1, 2)).to(self.left.dtype)
        scale = abs(self.scale)
        return rows[..., None] * scale, columns[:, None] * scale, mean[:, None, None]


def _quadratic(x: Tensor, form: Tensor) -> Tensor:
    """x^T form x for every coordinate; of a positive form, so that what rounding puts below 0 is 0."""
    return (x * (form.to(x.dtype) @ x)).sum(1).clamp(min=0)
