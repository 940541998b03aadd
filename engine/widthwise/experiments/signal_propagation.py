"""The experiment ``signal_propagation``: covariances of signals and of error signals, state by state."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.kernels import output
from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, Space

DIMS = ("state", "input", "input_")
PROBE_WIDTH = 2


def signal_propagation(model: Architecture, inputs: np.ndarray) -> Experiment:
    r"""How two inputs, and the gradients of their outputs, resemble each other on the way through a network.

    .. math:: \frac1P \sum_p avg(h^l_{ip} h^l_{jp}), \qquad \sum_p avg(dh^l_{ip}\, dh^l_{jp})

    for every state l, P the number of its positions and dh the error signals of ``f = avg(v x)``, v independent of all
    else. Batch norm makes an output a function of all inputs; error signals then are those of the sum of all outputs.

    Raises:
        SpecError: the features cannot be read as the positions that the network has.

    Source:
        Poole et al. 2016 (1606.05340); Schoenholz et al. 2017 (1611.01232); TP0 (1902.04760) section 5.
    """
    constants = torch.from_numpy(inputs)
    propagation = model.propagation(inputs)
    states = _count_states(model, constants)

    def measure(space: Space) -> Mapping[str, Tensor]:
        hs = model.states(space, constants)
        signals, _ = space.backprop(output(model.initial(space), model.readout(hs[-1])), *hs)
        return {
            "covariance": torch.stack([_mean_over_positions(space, h.detach()) for h in hs], 1),
            "gradient": torch.stack([_positions(dh) * _mean_over_positions(space, dh.detach()) for dh in signals], 1),
        }

    def exact() -> Mapping[str, np.ndarray]:
        assert propagation is not None
        return {
            "covariance": np.stack([np.einsum("ipjp->ij", k) / k.shape[1] for k in propagation.covariances()]),
            "gradient": np.stack([np.einsum("ipjp->ij", k) for k in propagation.gradients()]),
        }

    return Experiment(
        name="signal_propagation",
        readouts=(
            _readout(
                "covariance",
                (states, len(inputs)),
                "averages of products of the coordinates of a state, mean over its positions",
                "1606.05340; TP0 (1902.04760)",
            ),
            _readout(
                "gradient",
                (states, len(inputs)),
                "averages of products of the error signals of a state, sum over its positions",
                "1611.01232; TP0 (1902.04760) section 5",
            ),
        ),
        measure=measure,
        exact=exact if propagation else None,
    )


def _count_states(model: Architecture, constants: Tensor) -> int:
    """As the network itself makes them, at a tiny width."""
    with torch.no_grad():
        return len(model.states(FiniteSpace(PROBE_WIDTH), constants))


def _mean_over_positions(space: Space, h: Tensor) -> Tensor:
    """Float64, (replicate, input, input): positions beside each other are as good as one long vector."""
    return space.gram(h.flatten(2))


def _positions(h: Tensor) -> int:
    """The positions of a state (replicate, input, ..., coordinate)."""
    return h.shape[2:-1].numel()


def _readout(name: str, size: tuple[int, int], description: str, source: str) -> Readout:
    states, inputs = size
    return Readout(
        name=name,
        dims=DIMS,
        shape=(states, inputs, inputs),
        long_name=f"{name} of every state",
        description=description,
        source=source,
        profile="state",
        coords={"state": tuple(range(1, states + 1))},
    )
