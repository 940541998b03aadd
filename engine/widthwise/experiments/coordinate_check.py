"""The experiment ``coordinate_check``: how sizes in training grow or fall with the width, against prediction."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor

from widthwise.experiments.courses import Course, course
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.parts import Parts, parts
from widthwise.experiments.powers import powers
from widthwise.models import Architecture
from widthwise.spaces import Space
from widthwise.training.loop import Moment, train
from widthwise.training.network import Signals
from widthwise.training.options import OptimizerOptions
from widthwise.training.parameter import Parameter
from widthwise.training.scaling import Scaling
from widthwise.training.task import Training

SOURCE = "TP4b (2308.01814) 2.8; 2203.03466, appendix D"

Sizes = Mapping[str, Tensor]
"""By name, (replicate,)."""


def coordinate_check(
    model: Architecture, examples: np.ndarray, training: Training, optimizer: OptimizerOptions, parametrization: Scaling
) -> Experiment:
    """Sizes of states and function before training, of their changes and of gradients after the first and last step.

    Raises:
        SpecError: exponents do not fit the network.
    """
    taken = course(model, examples, training, optimizer, parametrization)
    made = parts(model, taken.lesson.inputs.shape[1])
    readouts = tuple(_described(taken, made))
    predicted = powers(model, training, taken, made)
    return Experiment(
        name="coordinate_check",
        readouts=readouts,
        measure=sizes(model, taken),
        exact=lambda: {each.name: np.array(predicted.get(each.name, np.nan)) for each in readouts},
    )


def sizes(model: Architecture, taken: Course) -> Callable[[Space], Sizes]:
    """``measure(space)`` of the root mean squares over inputs and coordinates, by name."""

    def measure(space: Space) -> Sizes:
        found: dict[str, Tensor] = {}
        start: tuple[Signals, Tensor] | None = None
        for moment in train(model.initial(space), taken.network, taken.lesson, taken.rule):
            if start is None:
                start = moment.signals(), moment.outputs
                found = {**_by_state("state_{}", start[0].states), "function_start": _rms(moment.initial)}
            if word := _word(moment.step, taken.lesson.steps):
                moved = _moved(moment, *start)
                found |= {f"{name}_{word}": size for name, size in moved.items()}
        return found

    return measure


def _word(step: int, steps: int) -> str:
    """What the names of sizes after a step end in; empty where none are measured."""
    return "first" if step == 1 else "last" if step == steps else ""


def _moved(moment: Moment, start: Signals, outputs: Tensor) -> Sizes:
    now = moment.signals()
    changes = [one - other for one, other in zip(now.states, start.states, strict=True)]
    *inputs, last = (_seen_by_update(parameter) for parameter in moment.parameters)
    return {
        **_by_state("change_{}", changes),
        "change_readout": _rms(now.readout - start.readout),
        "function": _rms(moment.outputs - outputs),
        **{f"update_input_{index}": size for index, size in enumerate(inputs, 1)},
        "update_input_output": last,
    }


def _by_state(name: str, vectors: Sequence[Tensor]) -> dict[str, Tensor]:
    return {name.format(index): _rms(vector) for index, vector in enumerate(vectors, 1)}


def _rms(values: Tensor) -> Tensor:
    """Over all but replicates, in float64, whose squares do not overflow where the numbers do not."""
    return values.flatten(1).double().square().mean(1).sqrt()


def _seen_by_update(parameter: Parameter) -> Tensor:
    assert parameter.gradient is not None  # there was a step
    return parameter.gradient.rms().double()


def _described(taken: Course, made: Parts) -> Iterator[Readout]:
    """In the order in which they are measured."""
    states = range(1, taken.states + 1)
    for state in states:
        yield _readout(f"state_{state}", f"state {state} before training")
    yield _readout("function_start", "the outputs before training, also where training subtracts them")
    steps = taken.lesson.steps
    for word, after in (("first", "the first step"), *([("last", f"{steps} steps")] if steps > 1 else [])):
        for state in states:
            yield _readout(f"change_{state}_{word}", f"the change of state {state} by {after}")
        yield _readout(f"change_readout_{word}", f"the change of the readout vectors by {after}")
        yield _readout(f"function_{word}", f"the change of the outputs by {after}")
        for index, part in enumerate(made.parameters, 1):
            kind = "biases" if part.is_bias else "weights"
            text = f"what the update function sees of parameter {index} ({kind}) at the {word} step"
            yield _readout(f"update_input_{index}_{word}", text)
        text = f"what the update function sees of output weights at the {word} step"
        yield _readout(f"update_input_output_{word}", text)


def _readout(name: str, what: str) -> Readout:
    return Readout(
        name=name,
        dims=(),
        shape=(),
        long_name=name.replace("_", " "),
        description=f"root mean square over inputs, coordinates or entries of {what}",
        source=SOURCE,
        expected_slopes={},
        size=True,
    )
