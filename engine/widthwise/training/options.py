"""The optimizers and the hyperparameters of each: what ``[optimizer]`` of a spec may say. Defaults are torch's."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from widthwise.sections import Section

Rate = Annotated[float, Field(gt=0, le=1e6)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
"""Of a running mean what stays in it at every step."""
NonNegative = Annotated[float, Field(ge=0, le=1e6)]
Positive = Annotated[float, Field(gt=0, le=1e6)]


class OptimizerOptions(Section):
    r"""What all optimizers share; a weight moves by :math:`w \leftarrow (1 - \lambda\eta)\,w - \eta\,Q`.

    ``learning_rate``: :math:`\eta`. ``weight_decay``: :math:`\lambda`, decoupled, of any optimizer.
    ``clip``: the largest size of an update; size is the Frobenius norm over all entries of a layer divided by the root
    of their number (the root mean square), so that its meaning does not change with the width.
    ``normalise``: updates are divided by their size.
    ``relative``: updates are multiplied by the size of the weights, or by this number where that is smaller.

    Source: TP4b (2308.01814) 2.1, 2.10.2, 2.10.3; relative sizes: 1804.04235, 1904.00962.
    """

    summary: ClassVar[str]
    source: ClassVar[str]
    home: ClassVar[str]
    linear: ClassVar[bool] = False
    """Whether the update is a sum of multiples of the gradients."""
    shape: ClassVar[frozenset[str]] = frozenset({"name"})
    rate_capped: ClassVar[bool] = False
    r"""Whether :math:`\eta` is at most :math:`1 / \sqrt{t + 1}`, except in the decay of weights."""

    name: str
    learning_rate: Rate = 1e-3
    weight_decay: NonNegative = 0.0
    clip: Positive | None = None
    normalise: bool = False
    relative: NonNegative | None = None

    @property
    def is_linear(self) -> bool:
        """Whether all updates are sums of multiples of the gradients, whatever their size."""
        return self.linear and self.clip is None and not self.normalise and self.relative is None

    @model_validator(mode="after")
    def _require_a_meaning_of_clip(self) -> "OptimizerOptions":
        if self.normalise and self.clip is not None:
            message = f"clip: {self.clip:g} has no meaning for normalised updates, whose size is 1; leave it out"
            raise ValueError(message)
        return self


class SGD(OptimizerOptions):
    """The gradient itself: ``Q = g``."""

    summary: ClassVar[str] = "stochastic gradient descent"
    source: ClassVar[str] = "TP4b (2308.01814) 2.1"
    home: ClassVar[str] = "widthwise.training.descent"
    linear: ClassVar[bool] = True

    name: Literal["sgd"] = "sgd"


class Momentum(OptimizerOptions):
    r"""A running sum of gradients: :math:`Q_t = b_t = \mu b_{t-1} + (1 - \tau) g_t`, with :math:`b_0 = g_0`.

    ``momentum`` is :math:`\mu`, ``dampening`` is :math:`\tau`.

    Source: Polyak 1964; torch.optim.SGD.
    """

    summary: ClassVar[str] = "gradient descent with momentum"
    source: ClassVar[str] = "Polyak 1964"
    home: ClassVar[str] = "widthwise.training.descent"
    linear: ClassVar[bool] = True

    name: Literal["momentum"] = "momentum"
    momentum: Fraction = 0.9
    dampening: Annotated[float, Field(ge=0, le=1)] = 0.0


class Nesterov(OptimizerOptions):
    r"""Momentum that looks ahead: :math:`Q_t = g_t + \mu b_t`, with :math:`b_t = \mu b_{t-1} + g_t`.

    Source: Sutskever et al. 2013; torch.optim.SGD.
    """

    summary: ClassVar[str] = "gradient descent with Nesterov's momentum"
    source: ClassVar[str] = "Sutskever et al. 2013"
    home: ClassVar[str] = "widthwise.training.descent"
    linear: ClassVar[bool] = True

    name: Literal["nesterov"] = "nesterov"
    momentum: Fraction = 0.9


class SignSGD(OptimizerOptions):
    r"""The sign of the gradient, smoothed: :math:`Q = g / \sqrt{g^2 + \epsilon^2}`; exact for ``epsilon`` 0.

    Source: Bernstein et al. 2018 (1802.04434); TP4b (2308.01814) 2.1.
    """

    summary: ClassVar[str] = "sign of the gradient, smoothed"
    source: ClassVar[str] = "1802.04434; TP4b (2308.01814) 2.1"
    home: ClassVar[str] = "widthwise.training.descent"

    name: Literal["sign_sgd"] = "sign_sgd"
    epsilon: NonNegative = 1e-8


class RMSProp(OptimizerOptions):
    r"""Gradients over the root of their mean square: :math:`Q_t = \mu Q_{t-1} + g_t / (\sqrt{v_t} + \epsilon)`.

    ``alpha`` is what stays in the mean v, ``momentum`` is :math:`\mu`; ``centered`` subtracts the square of the mean of
    the gradients from v. ``smooth`` divides by :math:`\sqrt{v_t + \epsilon^2}`.

    Source: Hinton 2012, lecture 6; Graves 2013 (1308.0850), centered.
    """

    summary: ClassVar[str] = "gradients over a running root mean square"
    source: ClassVar[str] = "Hinton 2012; 1308.0850"
    home: ClassVar[str] = "widthwise.training.adaptive"

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: Rate = 1e-2
    alpha: Fraction = 0.99
    momentum: Fraction = 0.0
    centered: bool = False
    epsilon: NonNegative = 1e-8
    smooth: bool = False


class Adagrad(OptimizerOptions):
    r"""Gradients over the root of their sum of squares: :math:`Q_t = g_t / (\sqrt{s_t} + \epsilon) / (1 + \gamma t)`.

    ``initial_accumulator`` is :math:`s_{-1}`, ``learning_rate_decay`` is :math:`\gamma`. ``smooth`` divides by
    :math:`\sqrt{s_t + \epsilon^2}`.

    Source: Duchi, Hazan, Singer 2011.
    """

    summary: ClassVar[str] = "gradients over the root of their sum of squares"
    source: ClassVar[str] = "Duchi, Hazan, Singer 2011"
    home: ClassVar[str] = "widthwise.training.adaptive"

    name: Literal["adagrad"] = "adagrad"
    learning_rate: Rate = 1e-2
    learning_rate_decay: NonNegative = 0.0
    initial_accumulator: NonNegative = 0.0
    epsilon: NonNegative = 1e-10
    smooth: bool = False


class Adadelta(OptimizerOptions):
    r"""Gradients over their root mean square, times that of the updates.

    .. math:: Q_t = g_t \sqrt{d_{t-1} + \epsilon} / \sqrt{v_t + \epsilon}

    ``rho`` is what stays in the running means v of squared gradients and d of squared updates, the latter of the step
    before. ``epsilon``, in units of a square, is above 0: with 0 nothing would move.

    Source: Zeiler 2012 (1212.5701).
    """

    summary: ClassVar[str] = "gradients over their root mean square, in units of the updates"
    source: ClassVar[str] = "1212.5701"
    home: ClassVar[str] = "widthwise.training.adaptive"

    name: Literal["adadelta"] = "adadelta"
    learning_rate: Rate = 1.0
    rho: Fraction = 0.9
    epsilon: Annotated[float, Field(ge=1e-30, le=1e6)] = 1e-6


class Moments(OptimizerOptions):
    r"""Of Adam and its kin: running means, m of gradients and v of their squares, and what is in the denominator.

    ``beta1`` and ``beta2`` are what stays in m and v. The denominator is :math:`\sqrt{\hat v} + \epsilon`, and
    :math:`\sqrt{\hat v + \epsilon^2}` if ``smooth``.
    """

    home: ClassVar[str] = "widthwise.training.moments"

    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: NonNegative = 1e-8
    smooth: bool = False


class Adam(Moments):
    r""":math:`Q_t = \hat m_t / (\sqrt{\hat v_t} + \epsilon)`, :math:`\hat m_t = m_t / (1 - \beta_1^{t+1})`, v likewise.

    Source: Kingma and Ba 2015 (1412.6980); TP4b (2308.01814) 2.1 for ``smooth``.
    """

    summary: ClassVar[str] = "means of gradients over their root mean squares"
    source: ClassVar[str] = "1412.6980; TP4b (2308.01814) 2.1"

    name: Literal["adam"] = "adam"


class AdamW(Moments):
    """Adam whose weights decay unless one says otherwise; decay is decoupled from every update function.

    Source: Loshchilov and Hutter 2019 (1711.05101).
    """

    summary: ClassVar[str] = "Adam with decoupled weight decay"
    source: ClassVar[str] = "1711.05101; TP4b (2308.01814) 2.10.3"

    name: Literal["adamw"] = "adamw"
    weight_decay: NonNegative = 1e-2


class NAdam(Moments):
    r"""Adam with Nesterov's momentum, whose strength :math:`\mu_t = \beta_1 (1 - 0.96^{\psi (t + 1)} / 2)` rises.

    .. math:: Q_t = \Big(\frac{1 - \mu_t}{1 - \mu_0 \cdots \mu_t} g_t
        + \frac{\mu_{t+1}}{1 - \mu_0 \cdots \mu_{t+1}} m_t\Big) \Big/ (\sqrt{\hat v_t} + \epsilon)

    ``momentum_decay`` is :math:`\psi`.

    Source: Dozat 2016; torch.optim.NAdam.
    """

    summary: ClassVar[str] = "Adam with Nesterov's momentum"
    source: ClassVar[str] = "Dozat 2016"

    name: Literal["nadam"] = "nadam"
    learning_rate: Rate = 2e-3
    momentum_decay: NonNegative = 4e-3


class Adamax(Moments):
    r"""Adam with a maximum: :math:`Q_t = \hat m_t / u_t`, :math:`u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon)`.

    ``smooth`` has :math:`\sqrt{g^2 + \epsilon^2}` in place of :math:`|g| + \epsilon`.

    Source: Kingma and Ba 2015 (1412.6980), section 7.1.
    """

    summary: ClassVar[str] = "means of gradients over their decaying maximum"
    source: ClassVar[str] = "1412.6980, section 7.1"

    name: Literal["adamax"] = "adamax"
    learning_rate: Rate = 2e-3


class Adafactor(OptimizerOptions):
    r"""Gradients over the root of factored second moments, :math:`Q = g / \max(\sqrt v, \epsilon)`.

    .. math:: v(a, b) = R(a) C(b) / \bar R, \qquad R \leftarrow (1 - \rho_t) R + \rho_t E_b[g^2], \quad \rho_t = (t+1)^p

    C likewise with the average over rows, p is ``beta2_decay``; v of vectors is the running mean of g^2 itself. By
    default updates are clipped and relative, and the rate is at most :math:`1 / \sqrt{t + 1}`. ``smooth`` divides by
    :math:`\sqrt{v + \epsilon^2}`. ``epsilon`` is torch's for float32, whatever the dtype.

    Source: Shazeer and Stern 2018 (1804.04235); torch.optim.Adafactor.
    """

    summary: ClassVar[str] = "gradients over factored root mean squares, of rows and of columns"
    source: ClassVar[str] = "1804.04235"
    home: ClassVar[str] = "widthwise.training.factored"
    rate_capped: ClassVar[bool] = True

    name: Literal["adafactor"] = "adafactor"
    learning_rate: Rate = 1e-2
    clip: Positive | None = 1.0
    relative: NonNegative | None = 1e-3
    beta2_decay: Annotated[float, Field(ge=-10, le=0)] = -0.8
    epsilon: NonNegative = 2.0**-23
    smooth: bool = False


OPTIMIZERS: Mapping[str, type[OptimizerOptions]] = {
    each.model_fields["name"].default: each
    for each in (
        SGD,
        Momentum,
        Nesterov,
        SignSGD,
        RMSProp,
        Adagrad,
        Adadelta,
        Adam,
        NAdam,
        Adamax,
        AdamW,
        Adafactor,
    )
}
"""Sections by name; the update function of a section is the function of this name in its ``home``."""
