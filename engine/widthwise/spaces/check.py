"""Does a program keep to the language? Its scalars must not depend on the order of the coordinates."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from widthwise import randomness
from widthwise.errors import ProgramError
from widthwise.laws import Law
from widthwise.spaces.dim import Dim
from widthwise.spaces.numbers import finite_numbers
from widthwise.spaces.space import Space

WIDTH = 29
TOLERANCE = 1e-6

NUDGE = 2.0**-44
"""A relative change of all vectors, some hundred units of rounding."""

ILL_CONDITIONED = 10.0
"""A readout may differ by so many times what a nudge does to it: where rounding decides, order cannot be seen."""


def check_program(program: Callable[[Space], Mapping[str, Tensor]], *, seed: int = 0) -> None:
    """Run a program twice on the same numbers, the second time with every coordinate moved, and compare its readouts.

    A program that mixes coordinates otherwise than by avg, gram, a matrix or outer (a sort, a convolution along the
    last axis, an index into it), or draws random numbers of its own, has no limit and is refused.

    Args:
        program: takes a Space, returns named readouts of shape (replicate, ...).
        seed: of the random numbers.

    Raises:
        ProgramError: names the readouts that depend on the order of the coordinates.
    """
    straight, shuffled = program(_space(seed, _as_drawn)), program(_space(seed, partial(_shuffled, seed)))
    culprits = [name for name, value in straight.items() if not _close(value, shuffled[name])]
    if culprits:
        again, nudged = program(_space(seed, _as_drawn)), program(_space(seed, _nudged))
        runs = {name: (straight[name], again[name], nudged[name], shuffled[name]) for name in culprits}
        culprits = [name for name, values in runs.items() if not _rounding(*values)]
    if culprits:
        message = (
            f"check_program: {', '.join(culprits)} depend(s) on the order of the coordinates; along the last axis use "
            "only avg, gram, outer and matrices, and take random numbers from the space"
        )
        raise ProgramError(message)


def _space(seed: int, change: Callable[[Tensor, Dim], Tensor]) -> Space:
    """A space of width `WIDTH` with changed vectors, where matrices are revealed whatever their law."""
    device = torch.device("cpu")
    numbers = finite_numbers(seed, WIDTH, range(2), device)

    def vectors(law: Law, first: int, count: int, dim: Dim) -> Tensor:
        return change(numbers.vectors(law, first, count, dim).double(), dim)

    return Space(
        coordinates=WIDTH,
        replicates=2,
        numbers=replace(numbers, vectors=vectors),
        reading="looked at",
        dtype=torch.float64,
        device=device,
    )


def _as_drawn(columns: Tensor, _: Dim) -> Tensor:
    return columns


def _shuffled(seed: int, columns: Tensor, dim: Dim) -> Tensor:
    """Every coordinate moved, in another order for every class."""
    order = randomness.numpy_generator(seed, dim.size, *dim.name.encode()).permutation(dim.size)
    return columns if dim.constant else columns[..., torch.from_numpy(order)]


def _nudged(columns: Tensor, _: Dim) -> Tensor:
    return columns * (1 + NUDGE * torch.cos(torch.arange(columns.shape[-1], dtype=columns.dtype)))


def _rounding(straight: Tensor, again: Tensor, nudged: Tensor, shuffled: Tensor) -> bool:
    """Whether rounding alone may make the difference: of bases of vectors that are all but collinear it decides."""
    if not (torch.equal(straight, again) and straight.shape == shuffled.shape == nudged.shape):
        return False
    return bool((straight - shuffled).abs().max() <= ILL_CONDITIONED * (straight - nudged).abs().max())


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
