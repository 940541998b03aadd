"""Architectures, each a short program of a Space."""

from widthwise.models.activations import (
    ACTIVATIONS,
    Activation,
    activation,
    adopt,
    register_activation,
    registered,
)
from widthwise.models.mlp import MLP

Model = MLP
"""What ``[model]`` of a spec may be."""

MODELS: dict[str, type[Model]] = {"mlp": MLP}

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "MODELS",
    "Activation",
    "Model",
    "activation",
    "adopt",
    "register_activation",
    "registered",
]
