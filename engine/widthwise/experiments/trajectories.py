"""What is measured along a training trajectory: outputs, loss, kernels of features, how far signals have moved."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from widthwise.experiments.courses import Course
from widthwise.experiments.experiment import SLOPES, Readout
from widthwise.experiments.kernels import mean_gram
from widthwise.models import Architecture
from widthwise.spaces import Space, avg
from widthwise.training.loop import Moment, train
from widthwise.training.network import Signals

SOURCE = "TP4b (2308.01814) 2.7.1, 2.9.25; 2.4, 2.9.19"

Measured = Callable[[Space, Moment, Signals], Tensor]
"""Of a moment and the signals before the first step, (replicate, ...)."""


def output(space: Space, moment: Moment, start: Signals) -> Tensor:
    """The outputs, (replicate, input), or (replicate, input, output) if there are several."""
    return moment.outputs[..., 0] if moment.outputs.shape[-1] == 1 else moment.outputs


def loss(space: Space, moment: Moment, start: Signals) -> Tensor:
    """The mean loss over what is trained on, (replicate,)."""
    return moment.loss


def kernel(space: Space, moment: Moment, start: Signals) -> Tensor:
    """Averages of products of the readout vectors, (replicate, input, input)."""
    return mean_gram(space, moment.signals().readout)


def change(space: Space, moment: Moment, start: Signals) -> Tensor:
    """Root mean square change of every state and of the readout vectors since the start, (replicate, state)."""
    now = moment.signals()
    pairs = zip((*now.states, now.readout), (*start.states, start.readout), strict=True)
    return torch.stack([avg((one - other).flatten(1).square()).sqrt() for one, other in pairs], 1)


MEASURED: Mapping[str, Measured] = {"output": output, "loss": loss, "kernel": kernel, "change": change}
"""By the name of the readout."""


def along(model: Architecture, course: Course, names: tuple[str, ...]) -> Callable[[Space], Mapping[str, Tensor]]:
    """``measure(space)`` of so many of `MEASURED` at every step, (replicate, step, ...)."""
    return partial(_along, model, course, names)


def _along(model: Architecture, course: Course, names: tuple[str, ...], space: Space) -> Mapping[str, Tensor]:
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    start: Signals | None = None
    for moment in train(model.initial(space), course.network, course.lesson, course.rule):
        start = start or moment.signals()
        for name, values in found.items():
            values.append(MEASURED[name](space, moment, start))
    return {name: torch.stack(values, 1) for name, values in found.items()}


def readouts(course: Course, names: tuple[str, ...]) -> tuple[Readout, ...]:
    """The descriptions of so many of `MEASURED`."""
    count, outputs = len(course.lesson.inputs), course.lesson.targets.shape[1]
    states = (*(str(index + 1) for index in range(course.states)), "readout")
    several = {"component": outputs} if outputs > 1 else {}
    described = {
        "output": _readout(
            course,
            {"input": count, **several},
            "output",
            "the function that the network has become, less the initial one if training is centred",
            expected_slopes=SLOPES if course.has_one_limit else {"bias": SLOPES["bias"]},
        ),
        "loss": _readout(course, {}, "training loss", "mean loss over all that is trained on", profile="step"),
        "kernel": _readout(
            course,
            {"input": count, "input_": count},
            "kernel of the features",
            "averages of products of the readout vectors",
            profile="step",
        ),
        "change": _readout(
            course,
            {"state": len(states)},
            "change of the signals",
            "root mean square change since initialisation of every state and of the readout vectors",
            expected_slopes=_slopes_of_change(course),
            coords={"state": states},
            scale=1.0,
        ),
    }
    return tuple(replace(described[name], name=name) for name in names)


def _slopes_of_change(course: Course) -> Mapping[str, float]:
    """That of a limit other than 0; of kets that do not move, that of the features that move most."""
    return {"rms": SLOPES["rms"] if course.kets_move else -float(course.plan.classification.feature_exponents[-1])}


def _readout(
    course: Course,
    sizes: Mapping[str, int],
    long_name: str,
    description: str,
    *,
    coords: Mapping[str, tuple[str, ...]] | None = None,
    expected_slopes: Mapping[str, float] = SLOPES,
    scale: float | None = None,
    profile: str | None = None,
) -> Readout:
    """One that is measured at every step, without its name."""
    steps = course.lesson.steps + 1
    return Readout(
        name="",
        dims=("step", *sizes),
        shape=(steps, *sizes.values()),
        long_name=long_name,
        description=description,
        source=SOURCE,
        coords={"step": tuple(range(steps)), **(coords or {})},
        expected_slopes=dict(expected_slopes),
        scale=scale,
        profile=profile,
    )
