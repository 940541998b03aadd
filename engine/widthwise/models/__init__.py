"""Architectures, each a short program of a Space."""

from widthwise.models.activations import (
    Activation,
    ActivationName,
    activation,
    activation_names,
    adopt,
    registered,
)
from widthwise.models.mlp import MLP

Model = MLP
"""What ``[model]`` of a spec may be."""

MODELS: dict[str, type[Model]] = {"mlp": MLP}

__all__ = [
    "MLP",
    "MODELS",
    "Activation",
    "ActivationName",
    "Model",
    "activation",
    "activation_names",
    "adopt",
    "registered",
]
