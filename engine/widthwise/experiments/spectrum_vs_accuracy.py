"""The experiment ``spectrum_vs_accuracy``: Jacobian spectra of random architectures, and what these learn."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.experiments.classifier import accuracy, descend
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import SpectrumVsAccuracy
from widthwise.experiments.random_networks import RandomNetwork, generators, random_network, random_weights
from widthwise.models.jacobian import network_chain
from widthwise.spaces import Space
from widthwise.theory.free import spectrum

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Of the quantiles."""

SOURCE = "FPNN (2111.00841), table 1.1"


def spectrum_vs_accuracy(examples: np.ndarray, options: SpectrumVsAccuracy) -> Experiment:
    """Every trial is a ReLU perceptron with widths and a gain of its own: its spectrum before training, and accuracy.

    Args:
        examples: inputs, each followed by its class, (input, feature + 1), as `experiments.labels` makes them.
        options: of the experiment.
    """
    features = examples.shape[1] - 1

    def measure(space: Space) -> Mapping[str, Tensor]:
        if space.is_limit:
            message = "spectrum_vs_accuracy: networks are trained at a finite width; use FiniteSpace"
            raise ProgramError(message)
        like = torch.empty(0, dtype=space.dtype, device=space.device)
        found = []
        for random in generators(space):
            network = random_network(random, space.coordinates, features, options.depth)
            described = _described(network, space.coordinates)
            found.append({**described, "accuracy": _learnt(random, network, examples, options, like)})
        return {readout.name: torch.tensor(np.array([each[readout.name] for each in found])) for readout in readouts}

    readouts = _readouts(options.depth)
    return Experiment(name="spectrum_vs_accuracy", readouts=readouts, measure=measure)


def log_quantiles(network: RandomNetwork) -> tuple[np.ndarray, float]:
    """Common logarithms at `LEVELS` of the squared singular values that are not 0, and the mass of those that are.

    Of :math:`J = D_L W_L ... D_1 W_1` at infinite width, the widths being to each other as those of the network.
    """
    depth, variance = len(network.widths) - 1, network.weight_variance
    law = spectrum(network_chain(depth, "relu", variance, widths=network.widths))
    atom = law.atom_at_zero
    return np.log10(law.quantile(atom + (1 - atom) * np.array(LEVELS))), atom


def _described(network: RandomNetwork, n: int) -> dict[str, object]:
    quantiles, atom = log_quantiles(network)
    ratios = [width / n for width in network.widths[1:]]
    return {"quantile": quantiles, "atom": atom, "gain": network.gain, "ratio": ratios}


def _learnt(
    random: np.random.Generator,
    network: RandomNetwork,
    examples: np.ndarray,
    options: SpectrumVsAccuracy,
    like: Tensor,
) -> float:
    """Accuracy on the last inputs after training on the others."""
    inputs, classes = torch.from_numpy(examples[:, :-1]).to(like), torch.from_numpy(examples[:, -1]).to(like).long()
    kept = trained_on(len(examples), options.held_out)
    weights = random_weights(random, network, int(examples[:, -1].max()) + 1, like)
    descend(
        weights,
        inputs[:kept],
        classes[:kept],
        epochs=options.epochs,
        batch=options.batch,
        learning_rate=options.learning_rate,
        random=random,
    )
    return accuracy(weights, inputs[kept:], classes[kept:])


def trained_on(count: int, held_out: float) -> int:
    """How many of ``count`` inputs, at least one and not all."""
    return min(max(count - round(held_out * count), 1), count - 1)


def _readouts(depth: int) -> tuple[Readout, ...]:
    return (
        _readout(
            "quantile",
            "quantiles of squared singular values",
            "common logarithms of the quantiles, before training, of the squared singular values that are not 0",
            level=LEVELS,
        ),
        _readout("atom", "mass at 0", "share of the singular values that are 0, before training"),
        _readout("accuracy", "accuracy", "share of held-out inputs that are told right after training"),
        _readout("gain", "gain", "weight variance relative to the critical one"),
        _readout(
            "ratio", "relative widths", "width of every hidden layer relative to n", layer=tuple(range(1, depth + 1))
        ),
    )


def _readout(name: str, long_name: str, description: str, **coords: tuple[int | float | str, ...]) -> Readout:
    return Readout(
        name=name,
        dims=tuple(coords),
        shape=tuple(len(values) for values in coords.values()),
        long_name=long_name,
        description=description,
        source=SOURCE,
        expected_slopes={},
        coords=coords,
        size=True,
    )
