"""Interpolated: a matrix on the way from a Gaussian one to one of another law."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from widthwise.spaces.matrix import Matrix


@dataclass(frozen=True, eq=False, kw_only=True)
class Interpolated:
    r"""The operator :math:`A(t) = \cos(\pi t / 2) \, G + \sin(\pi t / 2) \, B` (NGTP 5.1).

    ``time`` is a number of the program: let it require a gradient (or carry a tangent), and a scalar of the program has
    its derivative dc/dt. Entries have one mean and one variance at all t in [0, 1].
    """

    gaussian: Matrix
    other: Matrix
    time: Tensor

    @property
    def T(self) -> "Interpolated":
        """The transpose."""
        return replace(self, gaussian=self.gaussian.T, other=self.other.T)

    def __call__(self, x: Tensor) -> Tensor:
        """``A(t) x``."""
        gaussian, other = self._shares()
        return gaussian * self.gaussian(x) + other * self.other(x)

    def rate(self, x: Tensor) -> Tensor:
        """``dA/dt x``."""
        gaussian, other = self._shares()
        return (math.pi / 2) * (gaussian * self.other(x) - other * self.gaussian(x))

    def _shares(self) -> tuple[Tensor, Tensor]:
        """Cosine and sine, both as sines: exactly (1, 0) and (0, 1) at the ends."""
        return torch.sin((1 - self.time) * (math.pi / 2)), torch.sin(self.time * (math.pi / 2))
