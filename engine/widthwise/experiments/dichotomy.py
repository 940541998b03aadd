"""The experiment ``dichotomy``: what learns, what only moves and what explodes, over a plane of parametrizations."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from torch import Tensor

from widthwise.experiments.coordinate_check import coordinate_check
from widthwise.experiments.experiment import Experiment
from widthwise.experiments.options import Dichotomy
from widthwise.models import MLP
from widthwise.spaces import Space
from widthwise.theory.parametrizations import HALF, exponent
from widthwise.training.options import OptimizerOptions
from widthwise.training.scaling import Scaling
from widthwise.training.task import Training


def dichotomy(
    model: MLP, examples: np.ndarray, training: Training, optimizer: OptimizerOptions, options: Dichotomy
) -> Experiment:
    """How far training moves the last features and the function, in the parametrization that `plane` gives."""
    checked = coordinate_check(model, examples, training, optimizer, plane(options, model.depth))
    names = _names(model.depth, {readout.name for readout in checked.readouts})
    described = {readout.name: readout for readout in checked.readouts}

    def measure(space: Space) -> Mapping[str, Tensor]:
        found = checked.measure(space)
        return {own: found[name] for own, name in names.items()}

    def exact() -> Mapping[str, np.ndarray]:
        assert checked.exact is not None
        found = checked.exact()
        return {own: found[name] for own, name in names.items()}

    return Experiment(
        name="dichotomy",
        readouts=tuple(replace(described[name], name=own, long_name=own) for own, name in names.items()),
        measure=measure,
        exact=exact,
    )


def plane(options: Dichotomy, depth: int) -> Scaling:
    """Maximal update at (0, 0); all layers move features by n^-features, output weights the function by n^-output.

    Stable and faithful at initialisation everywhere, of the output a + b = 1.
    """
    features, output = exponent(options.features), exponent(options.output)
    kinds = {"a": (0, 0, 1), "b": (0, HALF, 0), "c": (features, features + 1, output), "d": (1, 1, 1)}
    layers = {key: (first, *[hidden] * (depth - 1), last) for key, (first, hidden, last) in kinds.items()}
    return Scaling.model_validate({key: tuple(map(str, values)) for key, values in layers.items()})


def _names(depth: int, known: set[str]) -> Mapping[str, str]:
    """Those of ``coordinate_check`` by their names here."""
    words = ("first", "last")
    both = {"features": f"change_{depth}", "function": "function"}
    names = {f"{own}_{word}": f"{name}_{word}" for word in words for own, name in both.items()}
    return {own: name for own, name in names.items() if name in known}
