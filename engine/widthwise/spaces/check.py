"""Does a program keep to the language? Its scalars must not depend on the order of the coordinates."""

from collections.abc import Callable, Mapping
from dataclasses import replace

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
    straight, shuffled = program(_space(seed, shuffle=False)), program(_space(seed, shuffle=True))
    culprits = [name for name, value in straight.items() if not _close(value, shuffled[name])]
    if culprits:
        message = (
            f"check_program: {', '.join(culprits)} depend(s) on the order of the coordinates; along the last axis use "
            "only avg, gram, outer and matrices, and take random numbers from the space"
        )
        raise ProgramError(message)


def _space(seed: int, *, shuffle: bool) -> Space:
    """A space of width `WIDTH` where matrices are revealed whatever their law; a permutation for each class."""
    device = torch.device("cpu")
    numbers = finite_numbers(seed, WIDTH, range(2), device)

    def shuffled(law: Law, first: int, count: int, dim: Dim) -> Tensor:
        columns = numbers.vectors(law, first, count, dim)
        return columns if dim.constant else columns[..., _order(seed, dim)]

    return Space(
        coordinates=WIDTH,
        replicates=2,
        numbers=replace(numbers, vectors=shuffled) if shuffle else numbers,
        reading="looked at",
        dtype=torch.float64,
        device=device,
    )


def _order(seed: int, dim: Dim) -> Tensor:
    return torch.from_numpy(randomness.numpy_generator(seed, dim.size, *dim.name.encode()).permutation(dim.size))


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
