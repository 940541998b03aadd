"""Numbers: where a space takes its random numbers from, by reading."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws import Law
from widthwise.laws.entries import fill
from widthwise.laws.images import image
from widthwise.randomness import BLOCK, FINITE, KET, SOBOL_DIMENSIONS, pseudo_random, sobol
from widthwise.spaces.dim import Dim
from widthwise.spaces.shard import Slice

Estimator = Literal["rqmc", "mc", "derivative"]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Random numbers in float32, a pure function of what is asked for.

    Attributes:
        vectors: ``(law, first, count, dim)`` -> columns ``first ..`` of the space, (replicate, count, coordinate).
        entries: ``(law, matrix, tile row, tile column, shape)`` -> a tile of a matrix, (replicate, *shape).
    """

    vectors: Callable[[Law, int, int, Dim], Tensor]
    entries: Callable[[Law, tuple[int, int, int], tuple[int, int]], Tensor]


def finite_numbers(seed: int, n: int, trials: Sequence[int], device: torch.device) -> Numbers:
    """Independent numbers for every trial of width ``n``."""
    domain = (FINITE, n)
    draw = pseudo_random(seed, domain, trials, device)
    return _numbers(lambda first, count, dim: draw(first, count, dim.size), seed, domain, trials, device, None)


def ket_numbers(
    estimator: Estimator, seed: int, replicates: Sequence[int], slice_: Slice | None, device: torch.device
) -> Numbers:
    """Columns over samples, those of a slice or all, quasi-random unless ``mc`` is asked for.

    Along constant axes, past Sobol's dimensions and for the samplers of users they are pseudo-random.
    """
    pseudo = pseudo_random(seed, (KET,), replicates, device)
    quasi = pseudo if estimator == "mc" else sobol(seed, replicates, device)

    def draw(first: int, count: int, dim: Dim) -> Tensor:
        along_samples = not dim.constant and first + count <= SOBOL_DIMENSIONS
        return (quasi if along_samples else pseudo)(first, count, dim.size * dim.shards, _coordinates(dim, slice_))

    return _numbers(draw, seed, (KET,), replicates, device, slice_)


def _coordinates(dim: Dim, slice_: Slice | None) -> range:
    """Which of all coordinates are here."""
    first = 0 if slice_ is None or dim.constant else slice_.first
    return range(first, first + dim.size)


def _numbers(
    normal: Callable[[int, int, Dim], Tensor],
    seed: int,
    domain: tuple[int, ...],
    replicates: Sequence[int],
    device: torch.device,
    slice_: Slice | None,
) -> Numbers:
    def filled(law: Law, address: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
        out = torch.empty(len(replicates), *shape, device=device)
        for each, replicate in zip(out, replicates, strict=True):
            fill(each, law, seed, *domain, replicate, *address)
        return out

    def vectors(law: Law, first: int, count: int, dim: Dim) -> Tensor:
        if law.family == "orthogonal":
            message = "law: 'orthogonal' is a law of matrices; a vector takes a law of entries, such as 'gaussian'"
            raise ProgramError(message)
        if law.source:
            here = _coordinates(dim, slice_)
            blocks = [here[start : start + BLOCK] for start in range(0, dim.size, BLOCK)]
            parts = [filled(law, (first, each.start // BLOCK), (count, len(each))) for each in blocks]
            return torch.cat(parts, -1)
        columns = normal(first, count, dim)
        return columns if law.family == "gaussian" else image(columns, law)

    return Numbers(vectors=vectors, entries=filled)
