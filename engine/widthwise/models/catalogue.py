"""The architectures and the parameters of each: what ``[model]`` of a spec may say."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from widthwise.models.activations import ActivationName
from widthwise.models.architecture import Architecture

Variance = Annotated[float, Field(gt=0, le=1e6)]
BiasVariance = Annotated[float, Field(ge=0, le=1e6)]
Depth = Annotated[int, Field(ge=1, le=1024)]
Count = Annotated[int, Field(ge=1, le=4096)]
Few = Annotated[int, Field(ge=1, le=64)]
Ratio = Annotated[float, Field(ge=1 / 64, le=64)]
Epsilon = Annotated[float, Field(gt=0, le=1)]
Padding = Literal["zeros", "circular", "none"]
Pooling = Literal["mean", "flatten"]


class MLP(Architecture):
    r"""``depth`` hidden layers, in the neural tangent parametrization.

    .. math:: h^1 = W^1 \xi + b^1, \qquad h^{l+1} = W^{l+1} \phi(h^l) + b^{l+1}, \qquad x = \phi(h^L)

    with entries of every W of variance ``weight_variance / fan_in`` and of every b of variance ``bias_variance``.
    ``ratios`` are the widths of the layers before the last, relative to that of the last one, n.

    Source: TP4b 2.1.1 with the constants of the oracles' convention; several widths: TP0 section 3.2.
    """

    summary: ClassVar[str] = "multilayer perceptron, with biases and a width of its own for every layer"
    source: ClassVar[str] = "TP4b 2.1.1; TP0 section 3.2"
    home: ClassVar[str] = "widthwise.models.mlp"

    name: Literal["mlp"] = "mlp"
    depth: Depth = 3
    activation: ActivationName = "erf"
    weight_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    ratios: tuple[Ratio, ...] = ()

    @model_validator(mode="after")
    def _require_a_ratio_for_every_layer(self) -> "MLP":
        if self.ratios and len(self.ratios) != self.depth - 1:
            message = (
                f"ratios: {len(self.ratios)} given, {self.depth - 1} needed, one for every hidden layer before the "
                "last, whose width is n"
            )
            raise ValueError(message)
        return self


class ResNet(Architecture):
    r"""A residual MLP of ``depth`` states; ``tied`` blocks share one matrix and one bias.

    .. math:: h^1 = U \xi + b, \qquad h^{l+1} = h^l + \alpha\,(W^{l+1} \phi(h^l) + b^{l+1}), \qquad x = \phi(h^L)

    with ``branch_scale`` for alpha. Tied and untied limits differ: W is met again in sums with its own products.

    Source: TP0 (1902.04760) section 2; He et al. 2016 (1603.05027), pre-activation.
    """

    summary: ClassVar[str] = "residual MLP, with a matrix for each block or one for all"
    source: ClassVar[str] = "TP0 (1902.04760) section 2; 1603.05027"
    home: ClassVar[str] = "widthwise.models.resnet"

    name: Literal["resnet"] = "resnet"
    depth: Depth = 4
    activation: ActivationName = "erf"
    weight_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    branch_scale: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    tied: bool = False


class RNN(Architecture):
    r"""A simple recurrent net that reads ``steps`` equal parts of the features in order.

    .. math:: h_1 = U \xi_1 + b, \qquad h_t = W \phi(h_{t-1}) + U \xi_t + b, \qquad x = \phi(h_T)

    Not ``tied``, every step has matrices and a bias of its own; the limits agree.

    Source: TP0 (1902.04760) section 2; Elman 1990.
    """

    summary: ClassVar[str] = "simple recurrent net over the steps of a sequence"
    source: ClassVar[str] = "TP0 (1902.04760) section 2"
    home: ClassVar[str] = "widthwise.models.rnn"

    name: Literal["rnn"] = "rnn"
    steps: Count = 8
    activation: ActivationName = "tanh"
    weight_variance: Variance = 1.0
    input_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    tied: bool = True


class GRU(Architecture):
    r"""A gated recurrent unit over ``steps`` equal parts of the features; s_0 = 0 and the readout is of s_T.

    .. math::
        z_t = \sigma(W_z s_{t-1} + U_z \xi_t + b_z), \quad r_t = \sigma(W_r s_{t-1} + U_r \xi_t + b_r), \quad
        g_t = \tanh(W_g (r_t \odot s_{t-1}) + U_g \xi_t + b_g), \quad s_t = (1 - z_t) \odot s_{t-1} + z_t \odot g_t

    Not ``tied``, every step has parameters of its own; the limits differ.

    Source: Cho et al. 2014 (1406.1078); TP0 (1902.04760) section 2.
    """

    summary: ClassVar[str] = "gated recurrent unit over the steps of a sequence"
    source: ClassVar[str] = "1406.1078; TP0 (1902.04760) section 2"
    home: ClassVar[str] = "widthwise.models.gru"

    name: Literal["gru"] = "gru"
    steps: Count = 8
    weight_variance: Variance = 1.0
    input_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    tied: bool = True


class LSTM(Architecture):
    r"""A long short-term memory over ``steps`` equal parts of the features; s_0 = c_0 = 0 and the readout is of s_T.

    .. math::
        i_t, f_t, o_t = \sigma(W s_{t-1} + U \xi_t + b) \text{ each with its own}, \quad
        g_t = \tanh(W_g s_{t-1} + U_g \xi_t + b_g), \quad
        c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad s_t = o_t \odot \tanh(c_t)

    Not ``tied``, every step has parameters of its own; the limits differ.

    Source: Hochreiter and Schmidhuber 1997 with forget gates (Gers et al. 2000); TP0 (1902.04760) section 2.
    """

    summary: ClassVar[str] = "long short-term memory over the steps of a sequence"
    source: ClassVar[str] = "Hochreiter and Schmidhuber 1997; Gers et al. 2000; TP0 (1902.04760) section 2"
    home: ClassVar[str] = "widthwise.models.lstm"

    name: Literal["lstm"] = "lstm"
    steps: Count = 8
    weight_variance: Variance = 1.0
    input_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    tied: bool = True


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


class LayerNorm(Architecture):
    r"""An MLP whose preactivations are normalised over coordinates, without gain and offset.

    .. math:: h^{l+1} = W^{l+1} \phi(LN(h^l)) + b^{l+1}, \qquad
        LN(h) = \frac{h - avg(h)}{\sqrt{avg((h - avg(h))^2) + \epsilon}}, \qquad x = \phi(LN(h^L))

    Source: Ba et al. 2016 (1607.06450); TP0 (1902.04760) section 2.
    """

    summary: ClassVar[str] = "MLP with layer norm"
    source: ClassVar[str] = "1607.06450; TP0 (1902.04760) section 2"
    home: ClassVar[str] = "widthwise.models.layer_norm"

    name: Literal["layer_norm"] = "layer_norm"
    depth: Depth = 3
    activation: ActivationName = "relu"
    weight_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    epsilon: Epsilon = 1e-5


class BatchNorm(Architecture):
    r"""An MLP whose preactivations are normalised over the inputs, coordinate by coordinate, without gain and offset.

    .. math:: h^{l+1} = W^{l+1} \phi(BN(h^l)), \qquad
        BN(h)_i = \frac{h_i - mean_j h_j}{\sqrt{mean_j (h_j - mean_k h_k)^2 + \epsilon}}, \qquad x = \phi(BN(h^L))

    The inputs are one batch.

    Source: Ioffe and Szegedy 2015 (1502.03167); TP0 (1902.04760) section 2; Yang et al. 2019 (1902.08129).
    """

    summary: ClassVar[str] = "MLP with batch norm, the inputs being one batch"
    source: ClassVar[str] = "1502.03167; 1902.08129"
    home: ClassVar[str] = "widthwise.models.batch_norm"
    no_tangent_kernel: ClassVar[str] = (
        "batch norm makes the output for one input a function of the whole batch, so that no kernel of two inputs "
        "describes its training"
    )

    name: Literal["batch_norm"] = "batch_norm"
    depth: Depth = 3
    activation: ActivationName = "relu"
    weight_variance: Variance = 1.0
    epsilon: Epsilon = 1e-5


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
    logit_scale: Annotated[float, Field(gt=0, le=1e3)] = 1.0
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
    logit_scale: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    shared_keys: bool = False
    pooling: Pooling = "mean"
    weight_variance: Variance = 1.0
    bias_variance: BiasVariance = 0.0
    epsilon: Epsilon = 1e-5


class Autoencoder(Architecture):
    r"""An encoder of ever narrower layers, and a decoder back through the transposes.

    .. math:: x^0 = \phi(U \xi), \qquad x^l = \phi(W^l x^{l-1}), \qquad y^{l-1} = \phi(W^{l\top} y^l), \quad y^L = x^L

    ``ratios`` are the widths of the layers of the encoder relative to n; the readout is of y^0. Not ``tied``, the
    decoder has independent matrices in place of the transposes, with entries of the same variance; the limits differ.

    Source: Vincent et al. 2010, tied weights; TP0 (1902.04760) section 2.
    """

    summary: ClassVar[str] = "autoencoder whose decoder uses the transposes of its encoder"
    source: ClassVar[str] = "Vincent et al. 2010; TP0 (1902.04760) section 2"
    home: ClassVar[str] = "widthwise.models.autoencoder"

    name: Literal["autoencoder"] = "autoencoder"
    ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] = (0.5,)
    activation: ActivationName = "tanh"
    weight_variance: Variance = 1.0
    tied: bool = True


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
