"""What training needs of a program, what it refuses, and what a moment shows."""

import pytest
import torch
from torch import Tensor

from widthwise.errors import ProgramError, SpecError
from widthwise.models import MLP, RNN
from widthwise.spaces import FiniteSpace, KetSpace, Space, constant_axis
from widthwise.training import SGD, Adam, Scaling, loss
from widthwise.training.lesson import Lesson
from widthwise.training.loop import Moment, train
from widthwise.training.network import Anatomy, Signals, anatomy, of_architecture
from widthwise.training.rule import Rule

INPUTS = torch.eye(4, dtype=torch.float64)
LESSON = Lesson(inputs=INPUTS, targets=torch.ones(3, 2, dtype=torch.float64), loss=loss("squared"), steps=3)


def own(space: Space, inputs: Tensor) -> Signals:
    """A program of one's own: the same matrix at two places."""
    w, u = space.matrix(), space.matrix(features=inputs.shape[-1])
    h = u(space.constant(inputs))
    g = w(torch.tanh(h)) + w(torch.tanh(2 * h))
    return Signals(states=(h, g), readout=torch.tanh(g))


def trained(space: Space, rule: Rule, lesson: Lesson = LESSON) -> list[Moment]:
    return list(train(space, own, lesson, rule))


def test_what_a_network_is_made_of() -> None:
    assert anatomy(own, INPUTS) == Anatomy(matrices=1, vectors=2, states=2)
    assert anatomy(of_architecture(MLP(depth=3, bias_variance=0.1)), INPUTS) == Anatomy(matrices=2, vectors=1, states=3)
    assert anatomy(of_architecture(RNN(steps=4, bias_variance=0.1)), INPUTS) == Anatomy(matrices=1, vectors=3, states=4)


def test_output_weights_of_the_program_itself_are_refused() -> None:
    def with_outputs(space: Space, inputs: Tensor) -> Signals:
        readout = own(space, inputs).readout
        return Signals(states=(), readout=space.matrix(constant_axis(2))(readout))

    with pytest.raises(ProgramError, match=r"^train: a matrix has 2 rows at every width; give it rows of a dimension"):
        anatomy(with_outputs, INPUTS)


def test_vectors_that_inputs_share_have_no_derivative_by_input() -> None:
    """Refused where it matters, in the operator limit; of maximal updates they are like any other."""

    def sharing(space: Space, inputs: Tensor) -> Signals:
        shared = space.matrix()(space.vector())
        return Signals(states=(), readout=torch.tanh(own(space, inputs).readout + shared))

    ntp = Rule(optimizer=SGD(), scaling=Scaling(preset="ntp"))
    with pytest.raises(ProgramError, match=r"^train: a matrix is applied to 1 vector\(s\) where the network has 4"):
        list(train(KetSpace(16), sharing, LESSON, ntp))
    assert list(train(KetSpace(16), sharing, LESSON, Rule(optimizer=SGD())))


@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
def test_what_has_no_limit_is_refused_in_the_limit_alone(optimizer: SGD | Adam) -> None:
    rule = Rule(optimizer=optimizer, scaling=Scaling(preset="sp"))
    assert len(trained(FiniteSpace(8), rule)) == 4
    with pytest.raises(SpecError, match=r"^parametrization: has no limit, since .* does not hold") as caught:
        trained(KetSpace(16), rule)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("preset", "kind"), [("mup", "feature_learning"), ("ntp", "operator")])
@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
def test_exponents_decide_the_limit(optimizer: SGD | Adam, preset: str, kind: str) -> None:
    assert Rule(optimizer=optimizer, scaling=Scaling.model_validate({"preset": preset})).plan(2).limit() == kind


def test_resized_updates_of_a_linear_optimizer_are_not_linear() -> None:
    """So that d counts: with standard exponents what they see vanishes."""
    assert Rule(optimizer=SGD()).is_linear
    for table in ({"clip": 1.0}, {"normalise": True}, {"relative": 0.1}):
        assert not Rule(optimizer=SGD.model_validate(table)).is_linear


@pytest.mark.parametrize("space", [FiniteSpace(16, 2, dtype=torch.float64), KetSpace(32, 2, dtype=torch.float64)])
@pytest.mark.parametrize("preset", ["mup", "ntp"])
@pytest.mark.parametrize("batch", [None, 2])
def test_what_a_moment_shows(space: Space, preset: str, batch: int | None) -> None:
    """Outputs and loss of all inputs in their order, whichever a step sees; signals, and what Q saw."""
    lesson = Lesson(
        inputs=INPUTS, targets=torch.ones(3, 2, dtype=torch.float64), loss=loss("squared"), steps=3, batch=batch
    )
    rule = Rule(optimizer=Adam(learning_rate=0.1), scaling=Scaling.model_validate({"preset": preset}))
    for step, moment in enumerate(train(space, own, lesson, rule)):
        assert moment.step == step
        assert moment.outputs.shape == (2, 4, 2)
        expected = ((moment.outputs[:, :3] - 1) ** 2).sum(2).mean(1) / 2
        torch.testing.assert_close(moment.loss, expected)
        signals = moment.signals()
        assert len(signals.states) == 2
        torch.testing.assert_close(signals.readout, torch.tanh(signals.states[1]))
        assert len(moment.parameters) == 3
        if moment.step == 0:
            assert not moment.outputs.any()
            assert all(each.gradient is None for each in moment.parameters)
        else:
            sizes = torch.stack([each.gradient.rms() for each in moment.parameters if each.gradient is not None])
            assert sizes.shape == (3, 2)
            assert (sizes > 0.01).all()


def test_batches_go_around_the_examples() -> None:
    lesson = Lesson(inputs=INPUTS, targets=torch.ones(3, 1), loss=loss("squared"), steps=3, batch=2)
    assert [lesson.chosen(t).tolist() for t in range(4)] == [[0, 1], [2, 0], [1, 2], [0, 1]]
    assert Lesson(inputs=INPUTS, targets=torch.ones(3, 1), loss=loss("squared"), steps=3).chosen(5).tolist() == [
        0,
        1,
        2,
    ]


def test_slopes_are_those_of_the_mean_over_a_batch() -> None:
    outputs = torch.arange(8.0).reshape(1, 4, 2).double()
    torch.testing.assert_close(LESSON.slopes(outputs, torch.tensor([2, 0])), (outputs[:, [2, 0]] - 1) / 2)


def test_no_step_is_before_the_first_and_none_after_the_last() -> None:
    lesson = Lesson(inputs=INPUTS, targets=torch.ones(3, 2), loss=loss("squared"), steps=0, centred=False)
    (moment,) = trained(FiniteSpace(64, 64), Rule(optimizer=SGD(), scaling=Scaling(preset="ntp")), lesson)
    assert moment.outputs.std() > 0.1
