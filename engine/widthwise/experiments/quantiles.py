"""The law of coordinates as a readout: quantiles of a vector, of combinations of vectors, of eigenvalues."""

import torch
from torch import Tensor

from widthwise.theory.cells import Spacing, borders, cell_means


def quantiles(x: Tensor, spacing: Spacing, cells: int) -> Tensor:
    """Cell means of the empirical quantile function along the last axis, float64 (..., cell) on the CPU."""
    return torch.from_numpy(cell_means(x.detach().cpu().double().numpy(), borders(spacing, cells)))
