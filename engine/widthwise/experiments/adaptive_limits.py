"""The experiment ``adaptive_limits``: outputs of networks trained with Adam, step by step, against their limit."""

import numpy as np

from widthwise.experiments.courses import course, require_limit
from widthwise.experiments.experiment import Experiment
from widthwise.experiments.trajectories import along, readouts
from widthwise.models import Architecture
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import Scaling
from widthwise.training.task import Training

NAMES = ("output", "loss")


def adaptive_limits(
    model: Architecture, examples: np.ndarray, training: Training, optimizer: OptimizerOptions, parametrization: Scaling
) -> Experiment:
    """Outputs on training and test inputs and the loss at every step, of the network and in the limit of either kind.

    By default the experiment of the paper: a ReLU MLP, Adam, 100 random targets at Gaussian inputs, the initial output
    subtracted. The limit is that of the kets which move (mup) or of the operator (ntp).

    Raises:
        SpecError: exponents do not fit the network, or training with them has no limit.

    Source:
        TP4b (2308.01814) 5.
    """
    taken = course(model, examples, training, optimizer, parametrization)
    require_limit(taken, model)
    return Experiment(name="adaptive_limits", readouts=readouts(taken, NAMES), measure=along(model, taken, NAMES))
