"""The experiments that a spec can name; their code is loaded when one is built."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from widthwise.experiments.experiment import Experiment
from widthwise.experiments.programs import programs
from widthwise.models import Model


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An experiment as ``widthwise list`` shows it; ``home`` is the module of its function."""

    name: str
    summary: str
    assumptions: str
    source: str
    readouts: tuple[tuple[str, str], ...]
    home: str


EXPERIMENTS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="nngp",
            summary="kernel of the outputs of a random network against its Gaussian-process limit",
            assumptions="Gaussian weights; a polynomially bounded activation",
            source="TP1 (1910.12478)",
            readouts=(("nngp", "avg(x_i x_j) of the last activations, dimensions (input, input_)"),),
            home="widthwise.experiments.kernels",
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
            home="widthwise.experiments.kernels",
        ),
    )
}


def build(name: str, model: Model, inputs: np.ndarray) -> Experiment:
    """The experiment ``name`` for a model and constant inputs (input, feature); a program knows neither."""
    if name in programs():
        return importlib.import_module("widthwise.experiments.program").experiment_of(programs()[name])
    experiment: Experiment = getattr(importlib.import_module(EXPERIMENTS[name].home), name)(model, inputs)
    return experiment
