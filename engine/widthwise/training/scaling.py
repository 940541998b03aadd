"""How everything scales with the width: the table ``[parametrization]`` of a spec."""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from widthwise.errors import SpecError
from widthwise.sections import Section

if TYPE_CHECKING:
    from widthwise.theory import Parametrization

PRESETS: Mapping[str, str] = {
    "mup": "maximal update: features of every layer are learnt as fast as stability permits",
    "ntp": "neural tangent: the limit under gradient descent is the neural tangent kernel",
    "sp": "standard: initialised by fan-in, one learning rate for all layers at every width",
    "mean_field": "averages instead of sums over units",
    "uniform": "features of every layer change by n^-s, s from 0 (mup) to 1/2 (ntp)",
}
"""What ``parametrization.preset`` may say, and what it means."""

EXPONENTS = ("a", "b", "c", "d")

Positive = Annotated[float, Field(gt=0, le=1e6)]


def _theory() -> ModuleType:
    """Loaded only for what is written: it takes scipy."""
    return importlib.import_module("widthwise.theory.parametrizations")


def _canonical(value: object) -> str:
    """The rational as text; pydantic knows the key."""
    try:
        return str(_theory().exponent(str(value) if isinstance(value, bool) else value))
    except SpecError as error:
        raise ValueError(str(error).partition(": ")[2]) from None


Exponent = Annotated[str, BeforeValidator(_canonical), Field(json_schema_extra={"names": "exponent"})]
"""A field of a section that is a rational number, kept as text such as 1/2."""

Exponents = Annotated[tuple[Exponent, ...], Field(min_length=2, max_length=4096)]


class ByKind(Section):
    """A constant for each kind of parameter: input weights, hidden matrices, output weights, biases."""

    input: Positive = 1.0
    hidden: Positive = 1.0
    output: Positive = 1.0
    bias: Positive = 1.0


class Initial(ByKind):
    """Likewise; output weights may begin at 0."""

    output: Annotated[float, Field(ge=0, le=1e6)] = 1.0


class Scaling(Section):
    r"""Powers of the width n, and constants: weights :math:`n^{-a} w`, initial :math:`w \sim n^{-b}`.

    .. math:: w \leftarrow w - \eta\,n^{-c}\,Q(n^d \nabla_w L, \ldots)

    ``preset``: all exponents by name, ``s`` that of uniform.
    ``a``, ``b``, ``c``, ``d``: in place of a preset three exponents each, of vector-like parameters (input weights and
    biases), of hidden matrices and of the output; or one for each layer.
    ``multiplier``, ``initial``, ``rate``, ``gradient``: the constants in front of the four powers.

    Source: TP4b (2308.01814) 2.2.
    """

    preset: Literal["mup", "ntp", "sp", "mean_field", "uniform"] | None = "mup"
    s: Exponent | None = None
    a: Exponents | None = None
    b: Exponents | None = None
    c: Exponents | None = None
    d: Exponents | None = None
    multiplier: ByKind = Field(default_factory=ByKind)
    initial: Initial = Field(default_factory=Initial)
    rate: ByKind = Field(default_factory=ByKind)
    gradient: ByKind = Field(default_factory=ByKind)

    @model_validator(mode="before")
    @classmethod
    def _no_preset_beside_exponents(cls, value: object) -> object:
        if isinstance(value, Mapping) and any(value.get(key) is not None for key in EXPONENTS):
            return {"preset": None, **value}
        return value

    @model_validator(mode="after")
    def _require_a_preset_or_exponents(self) -> "Scaling":
        given = [key for key in EXPONENTS if getattr(self, key) is not None]
        if self.preset is not None and given:
            message = f"{given[0]}: has no meaning beside preset = {self.preset!r}; give a preset or exponents"
            raise ValueError(message)
        if self.preset is None and len(given) < len(EXPONENTS):
            missing = next(key for key in EXPONENTS if key not in given)
            message = f"{missing}: is missing; give a, b, c and d or a preset ({', '.join(PRESETS)})"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _require_s_of_uniform(self) -> "Scaling":
        if self.s is not None and self.preset != "uniform":
            message = f"s: has no meaning for preset = {self.preset!r}; it belongs to uniform"
            raise ValueError(message)
        if self.s is not None:
            try:
                _theory().uniform(1, self.s)
            except SpecError as error:
                raise ValueError(str(error)) from None
        return self

    def require_s(self) -> None:
        """Refuse the preset uniform without its s, which the points of a sweep may give.

        Raises:
            SpecError: it is missing.
        """
        if self.preset == "uniform" and self.s is None:
            message = (
                'parametrization.s: is missing, which preset = "uniform" needs; give it from 0 to 1/2, or sweep it'
            )
            raise SpecError(message)

    def exponents(self, matrices: int) -> "Parametrization":
        """Of each layer of a network with so many hidden matrices: input, hidden matrices, output.

        Raises:
            SpecError: the number of exponents is neither that of the layers nor 3, or ``s`` of uniform is missing.
        """
        self.require_s()
        theory, depth = _theory(), matrices + 1
        if self.preset is None:
            return self._given(theory, depth)
        found: Parametrization = theory.PRESETS[self.preset](depth) if self.s is None else theory.uniform(depth, self.s)
        return found

    def _given(self, theory: ModuleType, depth: int) -> "Parametrization":
        try:
            found: Parametrization = theory.abcd(**{key: getattr(self, key) for key in EXPONENTS}, depth=depth)
        except SpecError as error:
            message = f"parametrization.{error}"
            raise SpecError(message) from None
        return found
