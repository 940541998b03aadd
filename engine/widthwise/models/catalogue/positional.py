"""Architectures whose vectors stand at positions: convolutions, graphs, attention."""

from typing import ClassVar, Literal

from pydantic import model_validator

from widthwise.models.activations import ActivationName
from widthwise.models.architecture import Architecture
from widthwise.models.catalogue.fields import (
    BiasVariance,
    Count,
    Depth,
    Epsilon,
    Few,
    Padding,
    Pooling,
    Ratio,
    Scale,
    Variance,
)


class Conv1d(Architecture):
    r"""``depth`` convolutions along ``positions`` equal parts of the features, one matrix per offset.

    .. math:: h^{l+1}_p = \sum_{o=0}^{k-1} W^{l+1}_o \phi(h^l_{s p + o - c}) + b^{l+1}

    with o from 0, k the ``window``, s the ``stride``, and entries of variance ``weight_variance / (k fan_in)``.
    ``padding`` with zeros or around the circle keeps ``ceil(positions / s)`` of the positions (c is (k - 1) // 2),
    ``none`` those whose window fits (c = 0). The readout is of the mean over positions, or of all of them, ``flatten``.

    Source: TP1 (1910.12478); TP2 (2006.14548); Novak et al. 2019 (1810.05148).
    """

    summary: ClassVar[str] = "1-d convolutional net with padding, strides, pooled or flattened"
    source: ClassVar[str] = "TP1 (1910.12478); 1810.05148"
    home: ClassVar[str] = "widthwise.models.convolution"

    name: Literal["conv1d"] = "conv1d"
    positions: Count = 8
    depth: Depth = 2
    activation: ActivationName = "relu"
    window: Few = 3
    stride: Few = 1
    padding: Padding = "zeros"
    pooling: Pooling = "mean"
    weight_variance: Variance = 2.0
    bias_variance: BiasVariance = 0.0


class Conv2d(Architecture):
    """`Conv1d` on images of ``height`` rows of pixels, square windows; every pixel has ``channels`` features.

    Features are read row by row, pixel by pixel, so that 64 features are 8 x 8 pixels of one channel by default.

    Source: TP1 (1910.12478); TP2 (2006.14548); Novak et al. 2019 (1810.05148).
    """

    summary: ClassVar[str] = "2-d convolutional net with padding, strides, pooled or flattened"
    source: ClassVar[str] = "TP1 (1910.12478); 1810.05148"
    home: ClassVar[str] = "widthwise.models.convolution"

    name: Literal["conv2d"] = "conv2d"
    height: Count = 8
    channels: Count = 1
    depth: Depth = 2
    activation: ActivationName = "relu"
    window: Few = 3
    stride: Few = 2
    padding: Padding = "zeros"
    pooling: Pooling = "mean"
    weight_variance: Variance = 2.0
    bias_variance: BiasVariance = 0.0


class GraphNet(Architecture):
    r"""A graph convolutional net of ``depth`` layers; the features are ``nodes`` equal parts, one for each node.

    .. math:: h^{l+1}_p = \sum_q A_{pq} W^{l+1} \phi(h^l_q) + b^{l+1}, \qquad A = D^{-1/2} (E + 1) D^{-1/2}

    with E the adjacency matrix of ``edges``, pairs of nodes counted from 0 (none given: the cycle), and D the degrees
    of E + 1. The readout is of the mean over nodes, or of all of them.

    Source: Kipf and Welling 2017 (1609.02907); TP2 (2006.14548).
    """

    summary: ClassVar[str] = "graph convolutional net on a graph of one's own"
    source: ClassVar[str] = "1609.02907; TP2 (2006.14548)"
    home: ClassVar[str] = "widthwise.models.graph"

    name: Literal["graph"] = "graph"
    nodes: Count = 8
    edges: tuple[tuple[int, int], ...] = ()
    depth: Depth = 2
    activation: ActivationName = "relu"
    pooling: Pooling = "mean"
    weight_variance: Variance = 2.0
    bias_variance: BiasVariance = 0.0

    @model_validator(mode="after")
    def _require_nodes_of_edges(self) -> "GraphNet":
        for edge in self.edges:
            if not all(0 <= node < self.nodes for node in edge) or edge[0] == edge[1]:
                message = f"edges: {list(edge)} is no edge; it joins two different nodes from 0 to {self.nodes - 1}"
                raise ValueError(message)
        return self


class Attention(Architecture):
    r"""``depth`` layers of multi-head self-attention over ``positions`` equal parts of the features.

    .. math:: y_p = \sum_h W^O_h \sum_q softmax_q\big(\beta\, avg(q^h_p \odot k^h_q)\big)\, v^h_q, \qquad
        q^h = W^Q_h x, \; k^h = W^K_h x, \; v^h = W^V_h x

    Logits are scaled by 1/n: averages, with ``logit_scale`` for beta. Heads have width n / ``heads``; entries of
    W^O, like those of W^Q, W^K and W^V, have variance ``weight_variance`` / n. With ``shared_keys`` queries are keys;
    without, all logits vanish in the limit and attention is uniform. The first x is an embedding U of the input at
    each position.

    Source: Vaswani et al. 2017 (1706.03762); TP2 (2006.14548), 1/n-scaled logits.
    """

    summary: ClassVar[str] = "multi-head self-attention with logits scaled by 1/n"
    source: ClassVar[str] = "1706.03762; TP2 (2006.14548)"
    home: ClassVar[str] = "widthwise.models.attention"

    name: Literal["attention"] = "attention"
    positions: Count = 8
    depth: Few = 1
    heads: Few = 1
    logit_scale: Scale = 1.0
    shared_keys: bool = False
    pooling: Pooling = "mean"
    weight_variance: Variance = 1.0


class Transformer(Architecture):
    r"""``depth`` transformer blocks: each `Attention` and an MLP of one hidden layer, around skips, after layer norm.

    .. math:: y = x + Attention(LN(x)), \qquad x' = y + W^2 \phi(W^1 LN(y) + b^1) + b^2

    The hidden layer is ``ratio`` times as wide as n; the readout is of the layer norm of the last state.

    Source: Vaswani et al. 2017 (1706.03762); Xiong et al. 2020 (2002.04745), pre-norm; TP2 (2006.14548).
    """

    summary: ClassVar[str] = "transformer blocks: attention, MLP, layer norm, skips"
    source: ClassVar[str] = "1706.03762; 2002.04745; TP2 (2006.14548)"
    home: ClassVar[str] = "widthwise.models.transformer"

    name: Literal["transformer"] = "transformer"
    positions: Count = 8
    depth: Few = 1
    heads: Few = 2
    activation: ActivationName = "gelu"
    ratio: Ratio = 2.0
    logit_scale: Scale = 1.0
    shared_keys: bool = False
    pooling: Pooling = "mean"
    weight_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    epsilon: Epsilon = 1e-5
