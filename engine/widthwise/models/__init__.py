"""Architectures, each a short program of a Space."""

from widthwise.models.activations import (
    Activation,
    ActivationName,
    activation,
    activation_names,
    adopt,
    registered,
)
from widthwise.models.architecture import Architecture
from widthwise.models.catalogue import (
    GRU,
    LSTM,
    MLP,
    MODELS,
    RNN,
    Attention,
    Autoencoder,
    BatchNorm,
    Conv1d,
    Conv2d,
    GraphNet,
    LayerNorm,
    ResNet,
    Transformer,
)

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "MODELS",
    "RNN",
    "Activation",
    "ActivationName",
    "Architecture",
    "Attention",
    "Autoencoder",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "GraphNet",
    "LayerNorm",
    "ResNet",
    "Transformer",
    "activation",
    "activation_names",
    "adopt",
    "registered",
]
