"""The training loop: a network at every step, at width n or in the limit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from widthwise.spaces import Holding, Space
from widthwise.training.learner import Learner
from widthwise.training.lesson import Lesson
from widthwise.training.network import Anatomy, Network, Signals, anatomy
from widthwise.training.operator import OperatorLearner
from widthwise.training.parameter import Parameter
from widthwise.training.rule import Rule


@dataclass(frozen=True, eq=False, kw_only=True)
class Moment:
    """A network after ``step`` steps.

    Attributes:
        step: from 0, where nothing has moved.
        outputs: float64, (replicate, input, output); less the initial ones if the lesson is centred.
        initial: those of step 0, whether they are subtracted or not.
        loss: over what is trained on, (replicate,).
        signals: gives the signals of all inputs.
        parameters: of all that is trained, in program order, output weights last.
    """

    step: int
    outputs: Tensor
    initial: Tensor
    loss: Tensor
    signals: Callable[[], Signals]
    parameters: tuple[Parameter, ...]


def train(space: Space, network: Network, lesson: Lesson, rule: Rule) -> Iterator[Moment]:
    """Train at width n, or in the limit if the space is that of kets: a `Moment` before each step and after the last.

    One limit is that of kets which move (maximal updates), another that of a fixed operator on functions; which of
    them it is the exponents decide.

    Raises:
        SpecError: exponents do not fit the network; or of the limit, there is none.
        ProgramError: the network has a matrix that cannot be trained.

    Source:
        TP4b 2.7.1 and 2.9.25, 2.4 and 2.9.19; which limit: 2.8.
    """
    found = anatomy(network, lesson.inputs)
    plan = rule.plan(found.matrices)
    of_operator = space.is_limit and plan.limit() == "operator"
    make = OperatorLearner if of_operator else Learner
    held = holding(space.width, found, inputs=len(lesson.inputs), steps=lesson.steps, linear=rule.is_linear)
    learner = make(space, network, lesson.inputs, plan, outputs=lesson.targets.shape[1], held=held)
    initial: Tensor | None = None
    for t in range(lesson.steps + 1):
        chosen = lesson.chosen(t)
        view = learner.look(chosen)
        initial = view.outputs if initial is None else initial
        outputs = view.outputs - initial if lesson.centred else view.outputs
        yield Moment(
            step=t,
            outputs=outputs,
            initial=initial,
            loss=lesson.loss_of(outputs),
            signals=view.signals,
            parameters=learner.parameters,
        )
        if t < lesson.steps:
            learner.move(lesson.slopes(outputs, chosen), t)


def holding(width: int | None, found: Anatomy, *, inputs: int, steps: int, linear: bool) -> Holding:
    """Dense where all entries move anyway, or where the directions that are looked at are most of those there are."""
    if width is None:
        return "auto"
    return "dense" if not linear or found.vectors * inputs * (steps + 1) > width // 2 else "auto"
