"""Activations by name. This file knows only the names: what they stand for is loaded when a network is built."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from widthwise.errors import SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from widthwise.theory import Dual

BUILT_IN = (
    "abs",
    "cos",
    "elu",
    "erf",
    "gaussian",
    "gelu",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "relu",
    "sigmoid",
    "silu",
    "sin",
    "softplus",
    "step",
    "tanh",
)
"""Names of ``functions.FUNCTIONS``: to refuse a spec takes no torch, whose import takes longer than one should wait."""

_REGISTERED: "dict[str, Activation]" = {}


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A coordinatewise function; ``kinks`` are the places where it or its derivative jumps.

    ``source`` is the code of one that a user registered, and empty for the rest.
    """

    name: str
    function: "Callable[[Tensor], Tensor]"
    dual: "Dual"
    kinks: tuple[float, ...] = ()
    source: str = ""


def activation_names() -> list[str]:
    """What an activation may be called in this process."""
    return sorted({*BUILT_IN, *_REGISTERED})


def require_activation(name: str) -> str:
    """The name, if it is known.

    Raises:
        SpecError: if not; the message begins with the name, so that a caller can put its key before it.
    """
    if name not in activation_names():
        message = f"{name!r} is not known; allowed: {', '.join(activation_names())}"
        raise SpecError(message)
    return name


def _named(name: str) -> str:
    try:
        return require_activation(name)
    except SpecError as error:
        raise ValueError(str(error)) from None  # pydantic knows the key


ActivationName = Annotated[str, AfterValidator(_named), Field(json_schema_extra={"names": "activation"})]
"""A field of a section that names an activation."""


def activation(name: str) -> Activation:
    """The activation of this name.

    Raises:
        SpecError: if there is none.
    """
    if require_activation(name) in _REGISTERED:
        return _REGISTERED[name]
    found: Activation = importlib.import_module("widthwise.models.functions").FUNCTIONS[name]
    return found


def registered() -> tuple[Activation, ...]:
    """The activations that a user registered in this process."""
    return tuple(_REGISTERED.values())


def adopt(activations: Iterable[Activation]) -> None:
    """Make activations known that another process registered."""
    _REGISTERED.update({each.name: each for each in activations})
