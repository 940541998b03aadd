"""``widthwise.train``: a network of one's own in training, at width n and in the limit, in the words of its user."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import ProgramError, SpecError
from widthwise.models import Architecture
from widthwise.spaces import Space
from widthwise.training import loop
from widthwise.training.lesson import Lesson
from widthwise.training.loop import Moment
from widthwise.training.named_losses import LossFunction
from widthwise.training.named_losses import loss as loss_named
from widthwise.training.named_optimizers import optimizer_names, options_named
from widthwise.training.network import Network, Signals, of_architecture
from widthwise.training.options import OptimizerOptions
from widthwise.training.rule import Rule
from widthwise.training.scaling import PRESETS, Scaling
from widthwise.training.schedules import Constant, Schedule

Written = Callable[[Space, Tensor], Tensor | tuple[Sequence[Tensor], Tensor]]
"""``network(space, inputs)``: readout vectors, or what signals pass through and readout vectors."""


def train(
    space: Space,
    network: Architecture | Written,
    inputs: Tensor | np.ndarray,
    targets: Tensor | np.ndarray,
    *,
    optimizer: OptimizerOptions | str = "sgd",
    parametrization: Scaling | str = "mup",
    loss: LossFunction | str = "squared",
    steps: int = 8,
    batch: int | None = None,
    schedule: Schedule | None = None,
    centred: bool = True,
    tuples: int = 1024,
) -> Iterator[Moment]:
    """Train a network at the width of a `FiniteSpace`, or in the infinite-width limit if the space is a `KetSpace`.

    All matrices and biases of the network are trained, and output weights that are applied to its readout vectors::

        def network(space, inputs):
            W = space.matrix()
            x = torch.tanh(space.matrix(features=3)(space.constant(inputs)))
            return x + torch.tanh(W(torch.tanh(W(x))))

        for moment in widthwise.train(widthwise.FiniteSpace(256, 4), network, inputs, targets, optimizer="adam"):
            print(moment.step, moment.loss, moment.outputs)

    Args:
        space: of the network, with a network in each of its replicates.
        network: a section such as `widthwise.models.MLP`, or a function of a space and the inputs (input, feature). It
            returns its readout vectors, (replicate, input, coordinate), or (replicate, input, position, coordinate) for
            output weights of their own at every position; or a pair of a sequence of states and these. It is called
            at every step, and must make the same matrices and vectors in the same order.
        inputs: constant, (input, feature); those that are trained on first, the others are test inputs.
        targets: of those that are trained on, (input, output), or (input,) for one output.
        optimizer: a section of `widthwise.training` such as ``Adam(learning_rate=0.1)``, or the name of one.
        parametrization: a section `Scaling`, or the name of a preset.
        loss: a name, or a function of outputs and targets (replicate, input, output) that gives the loss of each
            example, (replicate, input). The mean over a batch is descended.
        steps: how many.
        batch: every step sees so many examples, the next ones in their order, over and over; all where it is left out.
        schedule: of the learning rate, a section of `widthwise.training` such as ``Cosine(steps=8)``.
        centred: whether the initial outputs are subtracted.
        tuples: how many samples of an index a nonlinear update of kets is averaged over.

    Returns:
        What to iterate over: a `Moment` before the first step and one after each. Its ``outputs`` are float64,
        (replicate, input, output), its ``loss`` (replicate,); ``signals()`` gives states and readout vectors.

    Raises:
        SpecError: a name is not known, inputs and targets do not fit, exponents do not fit the network, or training
            with them has no limit.
        ProgramError: the network returns something else, or has a matrix that cannot be trained.

    Source:
        TP4b (2308.01814): 2.1 and 2.2; the limits 2.7.1 and 2.9.25, 2.4 and 2.9.19.
    """
    lesson = Lesson(
        inputs=torch.as_tensor(inputs, dtype=torch.float64),
        targets=_columns(torch.as_tensor(targets, dtype=torch.float64)),
        loss=loss_named(loss) if isinstance(loss, str) else loss,
        steps=steps,
        batch=batch,
        centred=centred,
    )
    _require_lesson(lesson)
    rule = Rule(
        optimizer=_optimizer(optimizer) if isinstance(optimizer, str) else optimizer,
        scaling=_scaling(parametrization) if isinstance(parametrization, str) else parametrization,
        schedule=schedule or Constant(),
        tuples=tuples,
    )
    if isinstance(network, Architecture):
        return loop.train(network.initial(space), of_architecture(network), lesson, rule)
    return loop.train(space, _written(network), lesson, rule)


def _columns(targets: Tensor) -> Tensor:
    return targets[:, None] if targets.ndim == 1 else targets


def _require_lesson(lesson: Lesson) -> None:
    inputs, targets, most = lesson.inputs, lesson.targets, len(lesson.targets)
    if inputs.ndim != 2 or targets.ndim != 2 or not 0 < most <= len(inputs):
        message = (
            f"train: inputs of shape {tuple(inputs.shape)} and targets of shape {tuple(targets.shape)} do not fit; "
            "inputs are (input, feature), and targets (input, output) for all of them or the first ones"
        )
        raise SpecError(message)
    for key, value, largest in (("steps", lesson.steps, None), ("batch", lesson.batch, most)):
        if value is not None and (value < 1 or value > (largest or value)):
            rule = f"from 1 to {largest}, the number of targets" if largest else "of at least 1"
            message = f"train: {key} = {value} is not allowed; give an integer {rule}"
            raise SpecError(message)


def _optimizer(name: str) -> OptimizerOptions:
    if name not in optimizer_names():
        message = f"optimizer: {name!r} is not known; allowed: {', '.join(optimizer_names())}"
        raise SpecError(message)
    return options_named(name).model_validate({"name": name})


def _scaling(preset: str) -> Scaling:
    if preset not in PRESETS:
        message = f"parametrization: {preset!r} is not known; allowed: {', '.join(PRESETS)}"
        raise SpecError(message)
    return Scaling.model_validate({"preset": preset})


def _written(function: Written) -> Network:
    """A user's function as training needs it."""

    def network(space: Space, inputs: Tensor) -> Signals:
        returned = function(space, inputs)
        states, readout = ((), returned) if isinstance(returned, Tensor) else returned
        _require_readout(space, inputs, readout)
        return Signals(states=tuple(states) or (readout,), readout=readout)

    return network


def _require_readout(space: Space, inputs: Tensor, readout: Tensor) -> None:
    wanted = (space.replicates, len(inputs), space.dim("n").size)
    if readout.ndim not in (3, 4) or (*readout.shape[:2], readout.shape[-1]) != wanted:
        message = (
            f"train: the network returns readout vectors of shape {tuple(readout.shape)} for {len(inputs)} inputs at "
            f"width {space.coordinates}; return (replicate, input, coordinate), of the default dimension class"
        )
        raise ProgramError(message)
