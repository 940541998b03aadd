r"""Parametrizations: how initialisation, multiplier, learning rate and gradients of each layer scale with the width n.

.. math:: W = n^{-a} w, \quad w \sim N(0, n^{-2b}), \quad w \leftarrow w - \eta\, n^{-c} Q(n^d \nabla_w L, \ldots)

for an MLP of L hidden layers without biases: layer 1 is the input, layers 2 to L the hidden matrices, layer L + 1 the
output. The exponents are exact rationals. Source: Yang & Littwin 2023 (2308.01814, TP4b), section 2.2.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from widthwise.errors import SpecError

Number = int | float | str | Fraction
"""What a user may write for an exponent; a text is ``1/2``, ``-1`` or ``0.25``."""

HALF = Fraction(1, 2)
WRITTEN = re.compile(r"[+-]?\d{1,9}(/\d{1,9}|\.\d{1,9})?")


@dataclass(frozen=True, kw_only=True)
class Exponents:
    """Of one layer's multiplier, initial entries, learning rate and multiplier of gradients."""

    a: Fraction
    b: Fraction
    c: Fraction
    d: Fraction

    def shifted(self, t: Fraction) -> "Exponents":
        """The same training, at every width: ``(a + t, b - t, c - t, d + t)`` (TP4b 2.5)."""
        return Exponents(a=self.a + t, b=self.b - t, c=self.c - t, d=self.d + t)


@dataclass(frozen=True, kw_only=True)
class Parametrization:
    """The exponents of every layer of an MLP; a depth of L hidden layers has L - 1 hidden matrices."""

    input: Exponents
    hidden: tuple[Exponents, ...]
    output: Exponents

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return 1 + len(self.hidden)

    @property
    def layers(self) -> tuple[Exponents, ...]:
        """From the input to the output, ``depth + 1`` of them."""
        return (self.input, *self.hidden, self.output)


def exponent(value: Number, key: str = "exponent") -> Fraction:
    """The rational that is written; a float only where its decimal digits say exactly what it is.

    Raises:
        SpecError: the value is no number, not finite, or a float such as 0.1 that stands for another one.
    """
    if isinstance(value, str) and WRITTEN.fullmatch(value.strip()):
        numerator, _, denominator = value.strip().partition("/")
        if denominator and int(denominator) == 0:
            message = f"{key}: {value!r} divides by 0; give a number such as 0, -1/2 or 0.25"
            raise SpecError(message)
        return Fraction(numerator) / Fraction(denominator or 1)
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, float) and value - value == 0:
        if Fraction(value) != Fraction(repr(value)):
            message = f"{key}: {value!r} is not exact as a float; write it as text, such as '1/10'"
            raise SpecError(message)
        return Fraction(value)
    message = f"{key}: {value!r} is not a number such as 0, -1/2 or 0.25"
    raise SpecError(message)


def by_layer(values: Sequence[Number], depth: int, key: str) -> tuple[Fraction, ...]:
    """One exponent for each of the ``depth + 1`` layers.

    Args:
        values: one per layer; or three, of the input, of every hidden matrix and of the output.
        depth: hidden layers.
        key: what the values are called in an error.

    Raises:
        SpecError: a value is no exponent, or there are too few or too many.
    """
    found = tuple(exponent(value, f"{key}[{index}]") for index, value in enumerate(values))
    if len(found) == 3 and depth > 1:
        return (found[0], *found[1:2] * (depth - 1), found[2])
    if len(found) != depth + 1:
        kinds = " or 3 (input, hidden, output)" if depth > 2 else ""
        message = f"{key}: {len(found)} given, but depth {depth} takes {depth + 1} (one per layer){kinds}"
        raise SpecError(message)
    return found


def abcd(
    *, a: Sequence[Number], b: Sequence[Number], c: Sequence[Number], d: Sequence[Number], depth: int
) -> Parametrization:
    """The parametrization with these exponents, each list as `by_layer` takes it.

    Raises:
        SpecError: the depth is below 1, or an exponent cannot be read.
    """
    _require_depth(depth)
    lists = (by_layer(values, depth, key) for key, values in (("a", a), ("b", b), ("c", c), ("d", d)))
    return of_layers([Exponents(a=a, b=b, c=c, d=d) for a, b, c, d in zip(*lists, strict=True)])


def of_layers(layers: Sequence[Exponents]) -> Parametrization:
    """From the exponents of every layer, at least two."""
    first, *hidden, last = layers
    return Parametrization(input=first, hidden=tuple(hidden), output=last)


def mup(depth: int) -> Parametrization:
    """Maximal update: every layer learns features as fast as stability permits (TP4b 2.2)."""
    return uniform(depth, 0)


def ntp(depth: int) -> Parametrization:
    """Neural tangent: the parametrization whose limit under SGD is the neural tangent kernel (TP4b 2.2)."""
    return uniform(depth, HALF)


def sp(depth: int) -> Parametrization:
    """Standard: initialised by fan-in, one learning rate for all layers at every width (TP4b 2.2)."""
    return _of_kinds(depth, (0, 0, 0, 0), (0, HALF, 0, 0), (0, HALF, 0, 0))


def mean_field(depth: int) -> Parametrization:
    r"""Averages instead of sums, :math:`\frac1n \sum_j w_j \phi(h_j)`, over entries of variance one.

    Gradients are multiplied by what makes them of order one, n for the input and the output and n^2 for hidden
    matrices, and learning rates do not depend on the width. Depth 1 is `mup` (the mean field net of TP4's table). For
    deeper nets this is the literal extension (Nguyen 2019, 1902.02880; Araujo et al. 2019, 1906.00193), and up to the
    symmetry it is `mup` with hidden matrices of entries of size 1/n in place of n^-1/2: preactivations vanish, so it is
    not stable at initialisation.
    """
    return _of_kinds(depth, (0, 0, 0, 1), (1, 0, 0, 2), (1, 0, 0, 1))


def uniform(depth: int, s: Number) -> Parametrization:
    """UP_s: features of every layer change by Theta(n^-s), and the output is initialised and updated maximally.

    The properties ``r_l = s``, ``a + c = 1`` and ``a + b + s = 1`` of the output, stability and faithfulness at
    initialisation determine it up to the symmetry; of that class the one that is `mup` at 0 and `ntp` at 1/2.

    Args:
        depth: hidden layers.
        s: from 0 to 1/2.

    Raises:
        SpecError: the depth is below 1 or s is outside.

    Source:
        TP4b 2.8.
    """
    s = exponent(s, "s")
    if not 0 <= s <= HALF:
        message = f"s: {s} is not from 0 to 1/2"
        raise SpecError(message)
    return _of_kinds(depth, (0, 0, s, 1 - s), (s, HALF - s, 1, 1), (1 - s, 0, s, 1 - s))


PRESETS: Mapping[str, Callable[[int], Parametrization]] = MappingProxyType(
    {"mup": mup, "ntp": ntp, "sp": sp, "mean_field": mean_field}
)
"""Parametrizations by name, of any depth; `uniform` needs s."""


def shifted(parametrization: Parametrization, shifts: Sequence[Number]) -> Parametrization:
    """Another that trains alike at every width, by a shift of each layer's exponents (TP4b 2.5).

    Args:
        parametrization: any.
        shifts: one per layer, or three as `by_layer` takes them.

    Raises:
        SpecError: a shift is no exponent, or their number does not fit.
    """
    t = by_layer(shifts, parametrization.depth, "shifts")
    return of_layers([layer.shifted(shift) for layer, shift in zip(parametrization.layers, t, strict=True)])


def canonical(parametrization: Parametrization) -> Parametrization:
    """The one among those that train alike that has no multipliers: all a = 0."""
    return shifted(parametrization, [-layer.a for layer in parametrization.layers])


def equivalent(one: Parametrization, other: Parametrization) -> bool:
    """Whether both train alike at every width, by the symmetry."""
    return canonical(one) == canonical(other)


def _of_kinds(depth: int, *kinds: tuple[Number, Number, Number, Number]) -> Parametrization:
    """From (a, b, c, d) of the input, of every hidden matrix and of the output."""
    _require_depth(depth)
    first, hidden, last = (Exponents(**dict(zip("abcd", map(exponent, kind), strict=True))) for kind in kinds)
    return Parametrization(input=first, hidden=(hidden,) * (depth - 1), output=last)


def _require_depth(depth: int) -> None:
    if depth < 1:
        message = f"depth: {depth} is below 1; a depth is the number of hidden layers"
        raise SpecError(message)
