"""A course of training: network, lesson and rule out of the tables of a spec."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

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
        SpecError: exponents do not fit the network.
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
    rule = Rule(optimizer=optimizer, scaling=parametrization, schedule=training.schedule, tuples=training.tuples)
    found = _anatomy(model, features.shape[1])
    return Course(
        network=of_architecture(model),
        lesson=lesson,
        rule=rule,
        plan=rule.plan(found.matrices),
        states=found.states,
    )


@cache
def _anatomy(model: Architecture, features: int) -> Anatomy:
    return anatomy(of_architecture(model), torch.eye(2, features, dtype=torch.float64))
