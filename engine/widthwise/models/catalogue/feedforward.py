"""Architectures that read an input at once: perceptrons, residual, normalised, autoencoding."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from widthwise.models.activations import ActivationName
from widthwise.models.architecture import Architecture
from widthwise.models.catalogue.fields import BiasVariance, Depth, Epsilon, Ratio, Scale, Variance


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
    branch_scale: Scale = 1.0
    tied: bool = False


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
