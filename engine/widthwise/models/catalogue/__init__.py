"""The architectures and the parameters of each: what ``[model]`` of a spec may say."""

from collections.abc import Mapping

from widthwise.models.architecture import Architecture
from widthwise.models.catalogue.feedforward import MLP, Autoencoder, BatchNorm, LayerNorm, ResNet
from widthwise.models.catalogue.positional import Attention, Conv1d, Conv2d, GraphNet, Transformer
from widthwise.models.catalogue.recurrent import GRU, LSTM, RNN

MODELS: Mapping[str, type[Architecture]] = {
    each.model_fields["name"].default: each
    for each in (
        MLP,
        ResNet,
        RNN,
        GRU,
        LSTM,
        Conv1d,
        Conv2d,
        GraphNet,
        LayerNorm,
        BatchNorm,
        Attention,
        Transformer,
        Autoencoder,
    )
}

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "MODELS",
    "RNN",
    "Attention",
    "Autoencoder",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "GraphNet",
    "LayerNorm",
    "ResNet",
    "Transformer",
]
