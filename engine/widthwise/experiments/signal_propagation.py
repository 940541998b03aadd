"""The experiment ``signal_propagation``: covariances of signals and of error signals, state by state."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.exact import exact_limit
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.kernels import mean_gram, output
from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, Space
from widthwise.theory import Propagation

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
    states = count_states(model, constants)

    def measure(space: Space) -> Mapping[str, Tensor]:
        hs = model.states(space, constants)
        signals, _ = space.backprop(output(model.initial(space), model.readout(hs[-1])), *hs)
        return {
            "covariance": torch.stack([mean_gram(space, h.detach()) for h in hs], 1),
            "gradient": torch.stack([_positions(dh) * mean_gram(space, dh.detach()) for dh in signals], 1),
        }

    def exact(propagation: Propagation) -> Mapping[str, np.ndarray]:
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
        exact=exact_limit(model, inputs, exact),
    )


def count_states(model: Architecture, constants: Tensor) -> int:
    """As the network itself makes them, at a tiny width; two inputs are a batch."""
    with torch.no_grad():
        return len(model.states(FiniteSpace(PROBE_WIDTH), constants[:2]))


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
