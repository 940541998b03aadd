"""check_program accepts what keeps to the language and names what does not."""

from collections.abc import Callable, Mapping

import pytest
import torch
from language_programs import PROGRAMS
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import Dim, Space, check_program

MIXED: Mapping[str, Callable[[Tensor], Tensor]] = {
    "flip": lambda x: x.flip(-1) * x**2,
    "sort": lambda x: x.sort(-1).values * x,
    "cumsum": lambda x: x.cumsum(-1) * x**2,
    "roll": lambda x: x.roll(1, -1) * x**2,
    "index": lambda x: x[..., :1] * x,
    "cummax": lambda x: x.softmax(-1).cummax(-1).values,
    "own randomness": lambda x: x * torch.randn_like(x),
    "position": lambda x: x * torch.arange(x.shape[-1]),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("seed", [0, 1])
def test_lawful_programs_pass(program: Callable[[Space], Mapping[str, Tensor]], seed: int) -> None:
    check_program(program, seed=seed)


@pytest.mark.parametrize("mix", MIXED.values(), ids=MIXED)
def test_a_program_that_mixes_coordinates_is_refused_by_name(mix: Callable[[Tensor], Tensor]) -> None:
    def program(space: Space) -> Mapping[str, Tensor]:
        x = space.vector()
        return {"fine": space.avg(x**2), "mixed": space.avg(mix(x))}

    with pytest.raises(ProgramError, match=r"check_program: mixed depend"):
        check_program(program)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
@pytest.mark.parametrize("mix", MIXED.values(), ids=MIXED)
def test_mixing_in_one_of_several_classes_is_found(mix: Callable[[Tensor], Tensor], law: str, ratio: float) -> None:
    """Whatever the law of the matrices, in a class wider, narrower or as wide as the default one."""

    def program(space: Space) -> Mapping[str, Tensor]:
        a = space.dim("a", ratio)
        W, V, x = space.matrix(a, law=law), space.matrix(a), space.vectors(2)
        h = torch.tanh(W(x) + space.vector(a, law="laplace"))
        return {"fine": space.gram(W.T(h), x), "mixed": space.gram(V.T(mix(h)), W.T(h))}

    with pytest.raises(ProgramError, match=r"check_program: mixed depend"):
        check_program(program)


def products(space: Space, a: Dim) -> Tensor:
    return space.vector() * space.vector(a)


def wrong_transpose(space: Space, a: Dim) -> Tensor:
    """The transpose takes vectors of class a."""
    W, x = space.matrix(a), space.vector()
    return W(x) + W.T(x)


def cumsum_in_outer(space: Space, a: Dim) -> Tensor:
    """Along the axis of x, inside psi."""
    x, u = space.vector(), space.vector(a)
    return x * space.outer(lambda x, u: x.cumsum(-2) * torch.sin(u), x, u)


@pytest.mark.parametrize("mix", [products, wrong_transpose, cumsum_in_outer])
def test_classes_of_one_ratio_have_each_an_order_of_their_own(mix: Callable[[Space, Dim], Tensor]) -> None:
    with pytest.raises(ProgramError, match=r"check_program: mixed depend"):
        check_program(lambda space: {"mixed": space.avg(mix(space, space.dim("a")) ** 3)})


def test_constants_and_scalars_are_not_moved() -> None:

    def program(space: Space) -> Mapping[str, Tensor]:
        weights = torch.arange(3.0, dtype=torch.float64)
        x = space.matrix(features=3, law="rademacher")(space.constant(torch.outer(weights, weights) + torch.eye(3)))
        return {"scalar": space.scalar(1.0, noise=0.3), "kernel": space.gram(x), "mean": space.avg(torch.relu(x))}

    check_program(program)


def all_but_collinear(space: Space) -> tuple[Tensor, Tensor]:
    """Smooth functions of one vector, and what a matrix gives back of them: rounding decides the last directions."""
    W, x = space.matrix(), torch.tanh(torch.linspace(0.1, 1.2, 12, dtype=space.dtype)[:, None] * space.vector())
    return x, W.T(torch.tanh(W(x)))


def test_what_rounding_decides_is_no_matter_of_order() -> None:
    check_program(lambda space: {"kernel": space.gram(all_but_collinear(space)[1])})


def test_mixing_is_found_beside_what_rounding_decides() -> None:
    def program(space: Space) -> Mapping[str, Tensor]:
        x, y = all_but_collinear(space)
        return {"kernel": space.gram(y), "mixed": space.gram(x.cumsum(-1), y)}

    with pytest.raises(ProgramError, match=r"check_program: mixed depend"):
        check_program(program)
