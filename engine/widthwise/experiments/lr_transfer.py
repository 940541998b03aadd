"""The experiment ``lr_transfer``: the loss in training, for sweeps over learning rates and widths."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.courses import course
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.models import Architecture
from widthwise.spaces import Space
from widthwise.training.loop import train
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import Scaling
from widthwise.training.task import Training

MOST = 10.0
"""Times the loss at the start: what the loss of training that diverged counts as."""


def lr_transfer(
    model: Architecture, examples: np.ndarray, training: Training, optimizer: OptimizerOptions, parametrization: Scaling
) -> Experiment:
    """The training loss at every step, at most `MOST` times that before the first, however far training diverged.

    Where it has a limit at every learning rate, the rate of a narrow network that ends lowest is that of a wide one.

    Raises:
        SpecError: exponents do not fit the network.

    Source:
        Tensor Programs V (2203.03466), figure 1.
    """
    taken = course(model, examples, training, optimizer, parametrization)

    def measure(space: Space) -> Mapping[str, Tensor]:
        losses = [moment.loss for moment in train(model.initial(space), taken.network, taken.lesson, taken.rule)]
        return {"loss": torch.stack([bounded(loss, MOST * losses[0]) for loss in losses], 1)}

    count = taken.lesson.steps + 1

    readout = Readout(
        name="loss",
        dims=("step",),
        shape=(count,),
        long_name="training loss",
        description=f"mean over all that is trained on; {MOST:g} times that at the start where training diverged",
        source="2203.03466",
        expected_slopes={},
        coords={"step": tuple(range(count))},
        size=True,
    )
    return Experiment(name="lr_transfer", readouts=(readout,), measure=measure)


def bounded(loss: Tensor, most: Tensor) -> Tensor:
    """The loss, ``most`` where it is larger or not a number."""
    return torch.where(loss < most, loss, most)
