"""A course of training: network, lesson and rule out of the tables of a spec."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from widthwise.errors import SpecError
from widthwise.models import Architecture
from widthwise.theory.parametrizations import HALF
from widthwise.training.lesson import Lesson
from widthwise.training.named_losses import loss
from widthwise.training.network import Anatomy, Network, anatomy, of_architecture
from widthwise.training.options import OptimizerOptions
from widthwise.training.rule import Plan, Rule
from widthwise.training.scaling import Scaling
from widthwise.training.task import Training


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """What is trained on what, and how; ``plan`` is what theory says of it, ``states`` how many the network has."""

    network: Network
    lesson: Lesson
    rule: Rule
    plan: Plan
    states: int

    @property
    def kets_move(self) -> bool:
        """Whether signals change in the limit, because features are learnt or weights decay."""
        return self.plan.limit() == "feature_learning" or self.rule.optimizer.weight_decay > 0

    @property
    def has_one_limit(self) -> bool:
        """Whether the limit of the outputs is the same for all networks: not if that of the initial ones has a part."""
        output = self.plan.parametrization.output
        decays = self.rule.optimizer.weight_decay > 0
        return output.a + output.b > HALF or (self.lesson.centred and not decays)


def course(
    model: Architecture,
    examples: np.ndarray,
    training: Training,
    optimizer: OptimizerOptions,
    parametrization: Scaling,
) -> Course:
    """The course that the tables describe, for examples (input, feature + output) as `experiments.targets` makes them.

    Raises:
        SpecError: exponents do not fit the network, or the network normalises over inputs that steps take apart.
    """
    features, targets = np.split(examples, [examples.shape[1] - training.outputs], axis=1)
    lesson = Lesson(
        inputs=torch.from_numpy(features),
        targets=torch.from_numpy(targets[: training.train]),
        loss=loss(training.loss),
        steps=training.steps,
        batch=training.batch,
        centred=training.centred,
    )
    if model.no_tangent_kernel:
        _require_inputs_together(model, lesson)
    rule = Rule(optimizer=optimizer, scaling=parametrization, schedule=training.schedule, tuples=training.tuples)
    found = _anatomy(model, features.shape[1])
    return Course(
        network=of_architecture(model),
        lesson=lesson,
        rule=rule,
        plan=rule.plan(found.matrices),
        states=found.states,
    )


def require_limit(taken: Course, model: Architecture) -> None:
    """Refuse what has no limit.

    Raises:
        SpecError: training is not stable or not faithful, or the limit is that of an operator that the network has not.
    """
    if taken.plan.limit() == "operator" and model.no_tangent_kernel:
        message = f"model.name: {model.name!r} has no operator: {model.no_tangent_kernel}; choose another model"
        raise SpecError(message)


def _require_inputs_together(model: Architecture, lesson: Lesson) -> None:
    """Inputs that are normalised together are those of a step, and all others."""
    trained, others = len(lesson.targets), len(lesson.inputs) - len(lesson.targets)
    if lesson.batch not in (None, trained):
        message = (
            f"training.batch: {lesson.batch} of {trained} inputs is not allowed for model.name = {model.name!r}, whose "
            "outputs depend on which inputs are seen together; leave it out"
        )
        raise SpecError(message)
    if 1 in (trained, others):
        message = (
            f"training.train: {trained} of {trained + others} inputs are trained on, but model.name = {model.name!r} "
            "normalises over these, and over the others; choose at least 2 of each, or no others"
        )
        raise SpecError(message)


@cache
def _anatomy(model: Architecture, features: int) -> Anatomy:
    return anatomy(of_architecture(model), torch.eye(2, features, dtype=torch.float64))
