"""``widthwise.train``: a user's own network, in every spelling, at width n, in the limit and inside of a program."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

import widthwise
from widthwise.errors import ProgramError, SpecError
from widthwise.models import MLP, Architecture
from widthwise.spaces import Space
from widthwise.training import SGD, Adam, Cosine, OptimizerOptions, Scaling
from widthwise.training.api import Written
from widthwise.training.losses import squared

INPUTS = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0], [0.8, 0.6]])
TARGETS = torch.tensor([1.0, -1.0, 0.5])
STEPS = 3


def last(space: Space, network: Architecture | Written, **options: object) -> Tensor:
    """Outputs after the last step."""
    taken: dict[str, Any] = {"steps": STEPS, **options}
    *_, moment = widthwise.train(space, network, INPUTS, TARGETS, **taken)
    return moment.outputs


def tied(space: Space, inputs: Tensor) -> Tensor:
    W = space.matrix()
    x = torch.tanh(space.matrix(features=2)(space.constant(inputs)))
    return x + torch.tanh(W(torch.tanh(W.T(x))))


def finite(trials: int = 2, first: int = 0) -> Space:
    return widthwise.FiniteSpace(16, trials, first=first, dtype=torch.float64)


def kets(trials: int = 2, first: int = 0) -> Space:
    return widthwise.KetSpace(16, trials, first=first, dtype=torch.float64)


def test_a_moment_for_every_step() -> None:
    moments = list(widthwise.train(finite(), tied, INPUTS.numpy(), TARGETS.numpy(), steps=STEPS))
    assert [moment.step for moment in moments] == [0, 1, 2, 3]
    assert moments[-1].outputs.shape == (2, 4, 1)
    assert (moments[0].outputs == 0).all()
    assert (moments[-1].loss < moments[0].loss).all()
    assert moments[-1].signals().readout.shape == (2, 4, 16)


def test_an_architecture_and_the_same_network_by_hand() -> None:
    """An MLP of one hidden layer: a section, a function, a function that gives its states too."""

    def by_hand(space: Space, inputs: Tensor) -> Tensor:
        return torch.tanh(space.matrix(features=2)(space.constant(inputs)))

    def with_states(space: Space, inputs: Tensor) -> tuple[list[Tensor], Tensor]:
        h = space.matrix(features=2)(space.constant(inputs))
        return [h], torch.tanh(h)

    networks = (MLP(depth=1, activation="tanh"), by_hand, with_states)
    outputs = [last(finite(), network, optimizer="adam") for network in networks]
    for other in outputs[1:]:
        torch.testing.assert_close(other, outputs[0], rtol=1e-12, atol=0)


def test_the_laws_of_a_section_are_those_of_its_network() -> None:
    outputs = [last(finite(), MLP(depth=1, vector_law=law)) for law in ("gaussian", "rademacher")]
    assert not torch.allclose(*outputs)


def test_names_and_sections_mean_the_same() -> None:
    named = last(finite(), tied, optimizer="sgd", parametrization="ntp", loss="squared")
    written = last(finite(), tied, optimizer=SGD(), parametrization=Scaling(preset="ntp"), loss=squared)
    assert torch.equal(named, written)
    assert not torch.equal(named, last(finite(), tied))
    assert not torch.equal(named, last(finite(), tied, parametrization="ntp", batch=1))
    assert not torch.equal(named, last(finite(), tied, parametrization="ntp", schedule=Cosine(steps=STEPS)))


@pytest.mark.parametrize("optimizer", [SGD(learning_rate=0.5), Adam(learning_rate=0.1, epsilon=0.1, smooth=True)])
@pytest.mark.parametrize("parametrization", ["mup", "ntp"])
def test_wide_networks_are_near_the_limit(optimizer: OptimizerOptions, parametrization: str) -> None:
    """8 trials of width 512 and 4 integrations of 512 samples: 5 standard errors of the difference, and its bias 1/n.

    A false alarm in 1 of 10,000 for all entries (t with 3 degrees of freedom weighs less than half of the error).
    """
    options = {"optimizer": optimizer, "parametrization": parametrization}
    wide = last(widthwise.FiniteSpace(512, 8), tied, **options)[..., 0]
    limit = last(widthwise.KetSpace(512, 4), tied, **options)[..., 0]
    error = (wide.var(0) / 8 + limit.var(0) / 4).sqrt()
    assert limit.mean(0).abs().max() > 0.05
    assert ((wide.mean(0) - limit.mean(0)).abs() < 5 * error + 0.02 * limit.mean(0).abs()).all()


@pytest.mark.parametrize("name", ["sgd", "adam", "adafactor"])
@pytest.mark.parametrize("parametrization", ["mup", "ntp"])
def test_replicates_do_not_know_how_many_share_a_call(name: str, parametrization: str) -> None:
    options = {"optimizer": name, "parametrization": parametrization, "tuples": 8}
    for space in (finite, kets):
        together = last(space(trials=3), tied, **options)
        alone = torch.cat([last(space(trials=1, first=first), tied, **options) for first in range(3)])
        torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-9)
        assert not torch.allclose(alone[0], alone[1])


def program(space: Space) -> Mapping[str, Tensor]:
    """Trained inside of a program, in a parametrization that has no limit, which narrow networks do not mind."""
    return {"output": last(space, tied, optimizer="adam", parametrization="sp")[..., 0]}


@pytest.mark.parametrize("name", ["sgd", "adam", "momentum"])
@pytest.mark.parametrize("parametrization", ["mup", "ntp", "sp"])
def test_programs_may_train(name: str, parametrization: str) -> None:
    def inside(space: Space) -> Mapping[str, Tensor]:
        return {"output": last(space, tied, optimizer=name, parametrization=parametrization)}

    widthwise.check_program(inside)


def test_a_program_that_mixes_coordinates_in_training_is_refused() -> None:
    def mixing(space: Space, inputs: Tensor) -> Tensor:
        return tied(space, inputs).cumsum(-1) / space.coordinates

    with pytest.raises(ProgramError, match="order of the coordinates"):
        widthwise.check_program(lambda space: {"output": last(space, mixing)})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adma"}, "^optimizer: 'adma' is not known; allowed: sgd, momentum"),
        ({"parametrization": "mpu"}, "^parametrization: 'mpu' is not known; allowed: mup, ntp"),
        ({"parametrization": "uniform"}, r"^parametrization\.s: is missing"),
        ({"loss": "square"}, "^loss: 'square' is not known; allowed: squared"),
        ({"steps": 0}, "^train: steps = 0 is not allowed; give an integer of at least 1"),
        ({"batch": 4}, "^train: batch = 4 is not allowed; give an integer from 1 to 3, the number of targets"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message) as refused:
        last(finite(), tied, **changes)
    assert "\n" not in str(refused.value)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SpecError, match=r"^train: inputs of shape \(4, 2\) and targets of shape \(5, 1\) do not fit"):
        widthwise.train(finite(), tied, INPUTS, torch.ones(5))
    with pytest.raises(ProgramError, match=r"^train: the network returns readout vectors of shape \(1, 2\) for 2"):
        last(finite(), lambda space, inputs: space.avg(tied(space, inputs)))


def test_in_the_limit_only_what_has_one_is_trained() -> None:
    assert program(finite())["output"].isfinite().all()
    with pytest.raises(SpecError, match=r"^parametrization: has no limit"):
        program(widthwise.KetSpace(16))
