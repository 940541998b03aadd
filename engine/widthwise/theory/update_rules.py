"""What an update rule does to the exponents: SGD, normalised and clipped updates as plain faithful ones.

Source: Yang & Littwin 2023 (2308.01814, TP4b), section 2.10.2; of SGD section 2.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, get_args

from widthwise.errors import SpecError
from widthwise.theory.parametrizations import HALF, Exponents, Number, Parametrization, by_layer, of_layers

Optimizer = Literal["adaptive", "sgd"]
"""Any entrywise update function; or a linear one: SGD, also with momentum."""

Norm = Literal["update", "weight"]
"""Each layer's update divided by its Frobenius norm; or then also multiplied by that of the weights (LARS, LAMB)."""


@dataclass(frozen=True, kw_only=True)
class UpdateRule:
    """What is done with gradients.

    Attributes:
        optimizer: of ``sgd`` c - d alone matters.
        normalise: what updates are divided by; None for nothing.
        clip: an update of a norm above const n^k is scaled down to it; k of each layer, as `by_layer` takes them.

    Raises:
        SpecError: a name is not known, or updates are both normalised and clipped.
    """

    optimizer: Optimizer = "adaptive"
    normalise: Norm | None = None
    clip: Sequence[Number] | None = None

    def __post_init__(self) -> None:
        for key, value, known in (
            ("optimizer", self.optimizer, get_args(Optimizer)),
            ("normalise", self.normalise, (None, *get_args(Norm))),
        ):
            if value not in known:
                message = f"{key}: {value!r} is not known; allowed: {', '.join(filter(None, known))}"
                raise SpecError(message)
        if self.normalise is not None and self.clip is not None:
            message = "clip: normalised updates all have one norm, clipping them does nothing; give clip or normalise"
            raise SpecError(message)


def effective(parametrization: Parametrization, rule: UpdateRule) -> Parametrization:
    """The parametrization whose plain updates have the same sizes, in powers of n.

    An update of entries of order one has Frobenius norm n for a hidden matrix and n^1/2 for the input and the output,
    so dividing by it adds 1 or 1/2 to c. The norm of weights is n^-b times that; it stays what it is at initialisation
    if training is stable and faithful. Of SGD d becomes what is faithful, and c moves with it.

    Raises:
        SpecError: the thresholds of clipping do not fit the depth.

    Source:
        TP4b 2.10.2.
    """
    depth = parametrization.depth
    thresholds = (None,) * (depth + 1) if rule.clip is None else by_layer(rule.clip, depth, "clip")
    *before, output = zip(parametrization.layers, norm_exponents(depth), thresholds, strict=True)
    last = _plain(*output, rule, faithful=parametrization.output.a)
    signal = last.a + min(last.b, last.c)  # error signals have the size of output weights, initial or updated
    return of_layers([*(_plain(*layer, rule, faithful=signal + layer[0].a) for layer in before), last])


def for_normalised(parametrization: Parametrization, by: Norm) -> Parametrization:
    """What to use with normalised updates for updates of the sizes that this one has with plain ones.

    That is c less 1 for hidden matrices and 1/2 for the input and the output, or c less b where updates are
    proportional to the norm of the weights.

    Source:
        TP4b 2.10.2.
    """
    layers = zip(parametrization.layers, norm_exponents(parametrization.depth), strict=True)
    return of_layers([replace(layer, c=layer.c - (size if by == "update" else layer.b)) for layer, size in layers])


def norm_exponents(depth: int) -> tuple[Fraction, ...]:
    """Of each layer: entries of order one have a Frobenius norm of Theta(n^this)."""
    return (HALF, *(Fraction(1),) * (depth - 1), HALF)


def _plain(
    layer: Exponents, size: Fraction, threshold: Fraction | None, rule: UpdateRule, *, faithful: Fraction
) -> Exponents:
    """One layer of `effective`, where d = ``faithful`` lets Q see numbers of order one."""
    sgd = rule.optimizer == "sgd"
    delay = faithful - layer.d if sgd else Fraction(0)
    if rule.normalise is not None:
        delay = size if rule.normalise == "update" else layer.b
    if threshold is not None:
        delay = max(delay, size - threshold)
    return replace(layer, c=layer.c + delay, d=faithful if sgd else layer.d)
