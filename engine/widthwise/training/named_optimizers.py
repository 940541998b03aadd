"""Optimizers by name: those that come with widthwise and those of a user. The code of either is not loaded here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator

from widthwise.training.options import OPTIMIZERS, OptimizerOptions

if TYPE_CHECKING:
    from torch import Tensor

UpdateFunction = Callable[[Sequence["Tensor"]], "Tensor"]
"""``function(gradients)``: the update at the last step, given those of all steps so far, the first one first."""


@dataclass(frozen=True, kw_only=True)
class OwnUpdate:
    """An update function that a user registered, and its code."""

    name: str
    function: UpdateFunction
    source: str


_REGISTERED: dict[str, OwnUpdate] = {}


def _registered(name: str) -> str:
    if name not in _REGISTERED:
        message = f"{name!r} is not registered; allowed: {', '.join(_REGISTERED) or 'nothing, none is'}"
        raise ValueError(message)  # pydantic knows the key
    return name


class Own(OptimizerOptions):
    """Of an update function that a user registered under this name; it has no keys but the shared ones."""

    summary: ClassVar[str] = "an update function of one's own"
    source: ClassVar[str] = "TP4b (2308.01814) 2.1"
    home: ClassVar[str] = "widthwise.training.own"

    name: Annotated[str, AfterValidator(_registered)]

    @property
    def function(self) -> UpdateFunction:
        """What was registered."""
        return _REGISTERED[self.name].function


def optimizer_names() -> list[str]:
    """What an optimizer may be called in this process."""
    return [*OPTIMIZERS, *sorted(_REGISTERED)]


def options_named(name: str) -> type[OptimizerOptions]:
    """The section of the optimizer of this name."""
    return OPTIMIZERS.get(name, Own)


def registered_optimizers() -> tuple[OwnUpdate, ...]:
    """The update functions that a user registered in this process."""
    return tuple(_REGISTERED.values())


def adopt_optimizers(updates: Iterable[OwnUpdate]) -> None:
    """Make update functions known that another process registered."""
    _REGISTERED.update({each.name: each for each in updates})
