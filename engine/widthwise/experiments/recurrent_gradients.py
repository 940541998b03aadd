"""The experiment ``recurrent_gradients``: how error signals shrink or grow on their way back through time."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.experiments.exact import exact_limit
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.kernels import output
from widthwise.models import GRU, LSTM, RNN, Architecture
from widthwise.spaces import Space
from widthwise.theory import Propagation


def recurrent_gradients(model: Architecture, inputs: np.ndarray) -> Experiment:
    r"""Mean squares of :math:`ds_t`, the error signals of :math:`f = avg(v\,x)`, and of the states s_t themselves.

    x is the readout of the last state, v an independent vector; both means are over inputs (TP0, figure 1).

    Raises:
        SpecError: the network is not recurrent.
    """
    if not isinstance(model, RNN | GRU | LSTM):
        message = f"model.name: {model.name!r} has no meaning for recurrent_gradients; allowed: lstm, gru, rnn"
        raise SpecError(message)
    constants = torch.from_numpy(inputs)

    def measure(space: Space) -> Mapping[str, Tensor]:
        states = model.states(space, constants)
        signals, _ = space.backprop(output(model.initial(space), model.readout(states[-1])), *states)
        return {"gradient": _mean_squares(space, signals), "state": _mean_squares(space, states)}

    def exact(propagation: Propagation) -> Mapping[str, np.ndarray]:
        return {
            "gradient": _mean_variances(propagation.gradients()),
            "state": _mean_variances(propagation.covariances()),
        }

    return Experiment(
        name="recurrent_gradients",
        readouts=(
            _readout("gradient", model.steps, "error signals through time", "avg(ds_t^2) of the error signals of s_t"),
            _readout("state", model.steps, "states through time", "avg(s_t^2)"),
        ),
        measure=measure,
        exact=exact_limit(model, inputs, exact),
    )


def _mean_squares(space: Space, vectors: Sequence[Tensor]) -> Tensor:
    """Over inputs, (replicate, step)."""
    return torch.stack([space.avg(x.detach() ** 2).mean(-1) for x in vectors], -1)


def _mean_variances(covariances: Sequence[np.ndarray]) -> np.ndarray:
    """Over inputs, (step,), of covariances (input, position, input, position) at one position."""
    return np.array([np.einsum("ipip->i", each).mean() for each in covariances])


def _readout(name: str, steps: int, long_name: str, description: str) -> Readout:
    return Readout(
        name=name,
        dims=("step",),
        shape=(steps,),
        coords={"step": tuple(range(1, steps + 1))},
        long_name=f"mean square of {long_name}",
        description=f"{description} at every step, mean over inputs",
        source="TP0 (1902.04760), figure 1",
        profile="step",
    )
