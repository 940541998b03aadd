"""Does a program keep to the language? Its scalars must not depend on the order of the coordinates."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from widthwise import randomness
from widthwise.errors import ProgramError
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
    straight = program(_space(seed, torch.arange(WIDTH)))
    shuffled = program(_space(seed, torch.from_numpy(randomness.numpy_generator(seed, WIDTH).permutation(WIDTH))))
    culprits = [name for name, value in straight.items() if not _close(value, shuffled[name])]
    if culprits:
        message = (
            f"check_program: {', '.join(culprits)} depend(s) on the order of the coordinates; along the last axis use "
            "only avg, gram and matrices, and take random numbers from the space"
        )
        raise ProgramError(message)


def _space(seed: int, order: Tensor) -> Space:
    device = torch.device("cpu")
    draw = randomness.pseudo_random(seed, (randomness.FINITE, WIDTH), range(2), device)
    return Space(
        coordinates=WIDTH,
        replicates=2,
        draw=lambda first, count, coordinates: _moved(draw(first, count, coordinates), order),
        dtype=torch.float64,
        device=device,
        holding="revealed",
    )


def _moved(columns: Tensor, order: Tensor) -> Tensor:
    return columns[..., order] if columns.shape[-1] == WIDTH else columns


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
