"""check_program accepts what keeps to the language and names what does not."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import Space, check_program

Program = Callable[[Space], Mapping[str, Tensor]]


def lawful(space: Space) -> Mapping[str, Tensor]:
    x = space.matrix(features=3)(space.constant(torch.eye(3)))
    W = space.matrix()
    h = W(torch.tanh(x)) + space.vector()
    _, factors = space.backprop(space.avg(space.vector() * W.T(torch.relu(h))))
    return {"kernel": space.gram(h), "signals": space.gram(factors[0].left), "mean": space.avg(h**3)}


def test_a_lawful_program_passes() -> None:
    check_program(lawful)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x.cumsum(-1) * x**2,
        lambda x: x.roll(1, -1) * x**2,
        lambda x: x[..., :1] * x,
        lambda x: x.softmax(-1).cummax(-1).values,
        lambda x: x * torch.randn_like(x),
        lambda x: x * torch.arange(x.shape[-1]),
    ],
    ids=["cumsum", "roll", "index", "cummax", "own randomness", "position"],
)
def test_a_program_that_mixes_coordinates_is_refused_by_name(mix: Callable[[Tensor], Tensor]) -> None:
    def program(space: Space) -> Mapping[str, Tensor]:
        x = space.vector()
        return {"fine": space.avg(x**2), "mixed": space.avg(mix(x))}

    with pytest.raises(ProgramError, match=r"check_program: mixed depend"):
        check_program(program)
