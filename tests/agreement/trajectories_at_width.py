"""Trajectories of training at growing widths, how fast they approach those of the limit, and whether they get there."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from widthwise.models import MODELS, Architecture
from widthwise.spaces import Space
from widthwise.training import OPTIMIZERS, Constant, Scaling, Schedule, loss
from widthwise.training.lesson import Lesson
from widthwise.training.loop import Moment, train
from widthwise.training.network import of_architecture
from widthwise.training.rule import Rule

ERRORS = 5.0
"""Standard errors that a mean over 16 or more replicates may be off: 2e-4 a number by chance (t with 15 degrees)."""

CONFIDENCE = stats.norm.ppf(0.9995)
"""Standard errors of a slope: an interval at 99.9 %."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """A network, what it is to learn and how."""

    model: dict[str, object]
    lesson: Lesson
    rule: Rule

    def outputs(self, space: Space) -> Tensor:
        """(replicate, step, input, output)."""
        return torch.stack([moment.outputs for moment in self.moments(space)], 1)

    def losses(self, space: Space) -> Tensor:
        """(replicate, step)."""
        return torch.stack([moment.loss for moment in self.moments(space)], 1)

    def change(self, space: Space) -> Tensor:
        """How far training has moved the readout vectors in the end, root mean square, (replicate,)."""
        moments = self.moments(space)
        first = next(moments).signals().readout
        *_, last = moments
        return (last.signals().readout - first).flatten(1).square().mean(1).sqrt()

    def moments(self, space: Space) -> Iterator[Moment]:
        """Before every step and after the last."""
        model = network(self.model)
        return train(model.initial(space), of_architecture(model), self.lesson, self.rule)


def network(table: dict[str, object]) -> Architecture:
    """The section of ``[model]``."""
    return MODELS[str(table["name"])].model_validate(table)


def inputs(count: int = 3, features: int = 4) -> Tensor:
    """Constant inputs with entries of order one."""
    i, j = torch.arange(count, dtype=torch.float64)[:, None], torch.arange(features, dtype=torch.float64)
    return 1.4 * torch.sin(1 + j + 2 * i + i * j)


def course(
    model: dict[str, object],
    optimizer: dict[str, object],
    *,
    scaling: dict[str, object] | None = None,
    steps: int = 8,
    batch: int | None = None,
    centred: bool = True,
    outputs: int = 1,
    tuples: int = 1 << 30,
    schedule: Schedule | None = None,
    samples: Tensor | None = None,
) -> Course:
    """Two inputs to be learnt and one to be watched."""
    found = inputs() if samples is None else samples
    trained = len(found) - 1
    return Course(
        model=model,
        lesson=Lesson(
            inputs=found,
            targets=torch.linspace(1.0, -0.8, trained * outputs, dtype=torch.float64).reshape(trained, outputs),
            loss=loss("squared"),
            steps=steps,
            batch=batch,
            centred=centred,
        ),
        rule=Rule(
            optimizer=OPTIMIZERS[str(optimizer["name"])].model_validate(optimizer),
            scaling=Scaling.model_validate(scaling or {}),
            schedule=schedule or Constant(),
            tuples=tuples,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Slope:
    """Of a logarithm on that of the width, and its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.3f} +- {self.error:.3f}"

    def allows(self, expected: float) -> bool:
        """Whether this may be the slope."""
        return abs(self.value - expected) < CONFIDENCE * self.error


def slope(widths: Sequence[int], squares: Sequence[Tensor], less: float = 0.0) -> Slope:
    """Of the root of the mean over trials of squares, (trial,) at every width, ``less`` what the limit is off.

    How much squares vary, relative to their mean, is taken to be the same at all widths: of few trials, one that varies
    little has a mean that is too small, too.
    """
    x, counts = np.log(np.array(widths)), np.array([len(each) for each in squares])
    relative = sum(((each / each.mean() - 1) ** 2).sum().item() for each in squares) / (counts - 1).sum()
    y = np.log([each.mean().item() - less for each in squares]) / 2
    x = x - (counts @ x) / counts.sum()
    spread = counts @ (x * x)
    return Slope(value=float((counts * x) @ y / spread), error=math.sqrt(relative / spread) / 2)


def distances(values: Sequence[Tensor], limit: Tensor) -> list[Tensor]:
    """Squared distances from the mean of the limit, of every trial."""
    return [(each - limit.mean(0)).flatten(1).square().sum(1) for each in values]


def doubt(limit: Tensor) -> float:
    """How far its mean is off, squared: by the spread of its replicates."""
    return float(limit.var(0).sum()) / len(limit)


def assert_means_agree(one: Tensor, other: Tensor, *, rounding: float = 1e-6) -> None:
    """Every number of the means over replicates within `ERRORS` standard errors of the difference."""
    error = torch.hypot(one.std(0) / len(one) ** 0.5, other.std(0) / len(other) ** 0.5)
    apart = (one.mean(0) - other.mean(0)).abs()
    assert (apart <= ERRORS * error + rounding).all(), f"{apart / (error + 1e-300)}"


def assert_approaches(
    values: Sequence[Tensor], widths: Sequence[int], limit: Tensor, *, expected: float = -0.5
) -> None:
    """The distance from the limit falls with this slope, and at the largest width the mean is that of the limit.

    The limit has to be known well enough for that: to a third of the distance at the largest width.
    """
    apart, off = distances(values, limit), doubt(limit)
    assert off < float(apart[-1].mean()) / 9
    found = slope(widths, apart, off)
    assert found.allows(expected), found
    assert_means_agree(values[-1], limit)


def assert_learnt(losses: Tensor, *, to: float = 0.3) -> None:
    """Loss falls in the end to less than a part of what it was, (replicate, step)."""
    mean = losses.mean(0)
    assert mean[-1] < to * mean[0], mean
