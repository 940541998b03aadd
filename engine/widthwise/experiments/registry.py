"""The experiments that a spec can name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from widthwise.experiments.experiment import Experiment
from widthwise.experiments.kernels import nngp, ntk
from widthwise.models import Model

Build = Callable[[Model, np.ndarray], Experiment]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An experiment as ``widthwise list`` shows it; ``build(model, inputs)`` makes it concrete."""

    name: str
    summary: str
    assumptions: str
    source: str
    readouts: tuple[tuple[str, str], ...]
    build: Build


EXPERIMENTS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="nngp",
            summary="kernel of the outputs of a random network against its Gaussian-process limit",
            assumptions="Gaussian weights; a polynomially bounded activation",
            source="TP1 (1910.12478)",
            readouts=(("nngp", "avg(x_i x_j) of the last activations, dimensions (input, input_)"),),
            build=nngp,
        ),
        Kind(
            name="ntk",
            summary="neural tangent kernel (and NNGP kernel) of a random network against its limit",
            assumptions="Gaussian weights; a polynomially bounded derivative; an independent readout of mean zero",
            source="TP2 (2006.14548)",
            readouts=(
                ("nngp", "avg(x_i x_j) of the last activations, dimensions (input, input_)"),
                ("ntk", "gradient inner products over all weights, biases left out, dimensions (input, input_)"),
            ),
            build=ntk,
        ),
    )
}


def build(name: str, model: Model, inputs: np.ndarray) -> Experiment:
    """The experiment ``name`` for a model and constant inputs (input, feature)."""
    return EXPERIMENTS[name].build(model, inputs)
