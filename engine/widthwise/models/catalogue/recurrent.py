"""Architectures that read an input step by step."""

from typing import ClassVar, Literal

from widthwise.models.activations import ActivationName
from widthwise.models.architecture import Architecture
from widthwise.models.catalogue.fields import BiasVariance, Count, Variance


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
