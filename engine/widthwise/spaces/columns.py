"""InitialColumns: the numbers that a space draws, one column after the other."""

import torch
from torch import Tensor

from widthwise.laws import Law
from widthwise.laws import law as law_of
from widthwise.spaces.dim import Dim
from widthwise.spaces.numbers import Numbers
from widthwise.spaces.unwatched import unwatched


class InitialColumns:
    """Initial vectors in program order; shared by a space and its matrices, none of which needs the other."""

    def __init__(self, numbers: Numbers, dtype: torch.dtype) -> None:
        self._numbers = numbers
        self._dtype = dtype
        self._drawn = 0

    def __call__(self, count: int, dim: Dim) -> Tensor:
        """Standard normal columns."""
        return self.of("gaussian", count, dim)

    def of(self, name: str | Law, count: int, dim: Dim) -> Tensor:
        """Columns of a law."""
        first, self._drawn = self._drawn, self._drawn + count
        with unwatched():
            return self._numbers.vectors(law_of(name), first, count, dim).to(self._dtype)
