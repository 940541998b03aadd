"""Address -> random numbers: the only maker of randomness.

Nothing here has a state that outlives a call. A number is a function of the seed and of where it stands (reading,
width, replicate, column, coordinate), never of when or by whom it was drawn. Standard normal columns are drawn in
float32 whatever the particles' dtype, so that changing the dtype changes the arithmetic and nothing else.
"""

import hashlib
import math
import statistics
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

FINITE, KET, SOBOL, DATA = range(4)
"""First element of an address: which reading or purpose the numbers serve."""

BLOCK = 1 << 15
"""Coordinates per stream: a long column is a row of blocks with a stream each, small enough to be drawn in cache."""

BITS = 30
"""Binary digits of a Sobol point."""

SOBOL_DIMENSIONS = 21_201
"""Dimensions for which direction numbers are known (Joe and Kuo 2008)."""


class Draw(Protocol):
    """Makes columns of random numbers."""

    def __call__(self, first: int, count: int, coordinates: int, here: range | None = None) -> Tensor:
        """Columns ``first ..``, ``count`` of them, (replicate, count, coordinates); of their coordinates those `here`.

        A range of coordinates begins with a block.
        """
        ...


def digest(seed: int, *path: int, size: int) -> bytes:
    """``size`` bytes that an address decides: SHAKE-256 of its numbers, each below 2**64."""
    return hashlib.shake_256(b"".join(part.to_bytes(8, "little") for part in (seed, *path))).digest(size)


def numpy_generator(seed: int, *path: int) -> np.random.Generator:
    """A numpy generator at an address, for data and for small tables."""
    return np.random.Generator(np.random.SFC64(int.from_bytes(digest(seed, *path, size=32), "little")))


def torch_generator(device: torch.device, seed: int, *path: int) -> torch.Generator:
    """A torch generator at an address.

    The CPU's Mersenne twister keeps only 32 bits of a seed, so that 2**16 streams would likely collide: its whole
    state of 624 words is set instead.
    """
    generator = torch.Generator(device)
    if device.type != "cpu":
        return generator.manual_seed(int.from_bytes(digest(seed, *path, size=8), "little") >> 1)
    state = _seeded_state().copy()
    state.view(np.uint64)[3:627] = np.frombuffer(digest(seed, *path, size=4 * 624), np.uint32)
    return generator.set_state(torch.from_numpy(state))


@cache
def _seeded_state() -> np.ndarray:
    """Bytes of a freshly seeded CPU generator: seed, counters, 624 words held in 64 bits each, cached normals."""
    return torch.Generator().manual_seed(0).get_state().numpy()


def pseudo_random(seed: int, domain: Sequence[int], replicates: Sequence[int], device: torch.device) -> Draw:
    """Columns of independent standard normals, one stream per (replicate, call, block of coordinates)."""

    def draw(first: int, count: int, coordinates: int, here: range | None = None) -> Tensor:
        here = range(coordinates) if here is None else here
        out = torch.empty(len(replicates), count, len(here), device=device)
        for columns, replicate in zip(out, replicates, strict=True):
            for block, part in enumerate(columns.split(BLOCK, 1), here.start // BLOCK):
                generator = torch_generator(device, seed, *domain, replicate, first, block)
                for piece in (part,) if part.is_contiguous() else part:  # normal_ is slow on strided memory
                    piece.normal_(generator=generator)
        return out

    return draw


def sobol(seed: int, replicates: Sequence[int], device: torch.device) -> Draw:
    """Columns of normals from one joint scrambled Sobol sequence a replicate: column j is dimension j.

    Scrambled by a random lower-triangular matrix and a digital shift (Matousek 1998), independently for every
    replicate. A column of n points has one point beyond each of the quantiles 1/n and 1 - 1/n; where it fell would
    dominate second moments and skew the replicates, whose spread is the error bar, so it stands at the root mean square
    of its tail. There are `SOBOL_DIMENSIONS` columns.
    """

    def draw(first: int, count: int, coordinates: int, here: range | None = None) -> Tensor:
        here = range(coordinates) if here is None else here
        out = torch.empty(len(replicates), count, len(here), device=device)
        for columns, replicate in zip(out, replicates, strict=True):
            for column, dimension in zip(columns, range(first, first + count), strict=True):
                directions, shift = _scrambled(seed, replicate, dimension)
                _normal_quantiles(column, directions, shift, here.start, coordinates)
        return out

    return draw


def _scrambled(seed: int, replicate: int, dimension: int) -> tuple[np.ndarray, int]:
    """Direction numbers of a dimension after a random linear scramble, and the digital shift."""
    random = numpy_generator(seed, SOBOL, replicate, dimension)
    lower = np.tril(random.integers(0, 2, (BITS, BITS)), -1) + np.eye(BITS, dtype=np.int64)
    weights = 1 << np.arange(BITS - 1, -1, -1)
    digits = (_direction_numbers()[dimension][:, None] & weights) > 0
    scrambled = ((digits @ lower.T) % 2) @ weights
    return scrambled, int(random.integers(0, 1 << BITS))


@cache
def _direction_numbers() -> np.ndarray:
    """Joe and Kuo's direction numbers, shape (dimension, digit), most significant digit first."""
    return torch.quasirandom.SobolEngine(SOBOL_DIMENSIONS).sobolstate.numpy()


def _normal_quantiles(column: Tensor, directions: np.ndarray, shift: int, first: int, points: int) -> None:
    """Fill a column with the normal quantiles of the Sobol points ``first``, ... of so many ``points``, by blocks."""
    low = torch.zeros(min(BLOCK, column.numel()), dtype=torch.int32, device=column.device)
    for digit in range((low.numel() - 1).bit_length()):
        half = low[1 << digit : 2 << digit]
        torch.bitwise_xor(low[: half.numel()], int(directions[digit]), out=half)
    last, tail = _tail(points)
    for start, part in zip(range(first, first + column.numel(), BLOCK), column.split(BLOCK), strict=True):
        digits = np.flatnonzero([(start >> digit) & 1 for digit in range(BITS)])
        offset = int(np.bitwise_xor.reduce(directions[digits], initial=shift))
        uniform = (low[: part.numel()] ^ offset).double().add_(0.5).mul_(2.0 ** (1 - BITS)).sub_(1)
        part.copy_(uniform.erfinv_().mul_(math.sqrt(2)))
        part.masked_fill_(part > last, tail).masked_fill_(part < -last, -tail)


def _tail(points: int) -> tuple[float, float]:
    """The normal quantile z of 1 - 1/points, and the root mean square beyond it: 1 + z pdf(z) points."""
    last = statistics.NormalDist().inv_cdf(1 - 1 / points)
    return last, math.sqrt(1 + last * statistics.NormalDist().pdf(last) * points)
