"""A small network of every architecture, for the laws that all of them keep."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from widthwise.experiments import EXPERIMENTS, Experiment, build
from widthwise.models import MODELS, Architecture
from widthwise.spaces import Space

INPUTS = np.sin(1 + np.arange(4) + 2 * np.arange(3)[:, None] + np.arange(4) * np.arange(3)[:, None])
"""(input, feature): four features, in two parts for those that have positions."""

SMALL: Mapping[str, dict[str, Any]] = {
    "mlp": {"name": "mlp", "depth": 3, "bias_variance": 0.1, "ratios": (0.5, 2.0)},
    "resnet": {"name": "resnet", "depth": 3, "bias_variance": 0.1},
    "tied resnet": {"name": "resnet", "depth": 3, "tied": True},
    "rnn": {"name": "rnn", "steps": 2, "bias_variance": 0.1},
    "gru": {"name": "gru", "steps": 2, "weight_variance": 2.0},
    "lstm": {"name": "lstm", "steps": 2, "weight_variance": 2.0, "bias_variance": 0.1},
    "conv1d": {"name": "conv1d", "positions": 4, "activation": "gelu", "bias_variance": 0.1},
    "conv2d": {"name": "conv2d", "height": 2, "activation": "gelu", "stride": 1, "window": 2, "pooling": "flatten"},
    "graph": {"name": "graph", "nodes": 4, "edges": ((0, 1), (1, 2), (1, 3)), "activation": "gelu"},
    "layer_norm": {"name": "layer_norm", "depth": 2, "activation": "gelu"},
    "batch_norm": {"name": "batch_norm", "depth": 2, "activation": "gelu", "epsilon": 0.1},
    "attention": {"name": "attention", "positions": 2, "heads": 2, "shared_keys": True},
    "transformer": {"name": "transformer", "positions": 2, "shared_keys": True, "ratio": 1.0, "epsilon": 0.1},
    "autoencoder": {"name": "autoencoder"},
    "untied autoencoder": {"name": "autoencoder", "tied": False},
}


def network(name: str, **changes: object) -> Architecture:
    """One of `SMALL`, with some parameters changed."""
    table = {**SMALL[name], **changes}
    return MODELS[table["name"]].model_validate(table)


def kernel_experiment(model: Architecture, inputs: np.ndarray = INPUTS) -> Experiment:
    """``ntk``, or ``nngp`` for a network that has no tangent kernel."""
    name = "nngp" if model.no_tangent_kernel else "ntk"
    return build(name, {"model": model, "options": EXPERIMENTS[name].options()}, inputs)


def kernels(model: Architecture, space: Space, inputs: np.ndarray = INPUTS) -> Mapping[str, np.ndarray]:
    """Both kernels, or one, (replicate, input, input)."""
    measured = kernel_experiment(model, inputs).measure(space)
    return {name: value.detach().double().numpy() for name, value in measured.items()}
