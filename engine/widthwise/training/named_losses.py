"""Losses by name. This file knows only the names: what they stand for is loaded when a network is trained."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from widthwise.errors import SpecError

if TYPE_CHECKING:
    from torch import Tensor

LossFunction = Callable[["Tensor", "Tensor"], "Tensor"]
"""``loss(f, y)``: of outputs and targets (replicate, input, output) the loss of each example (replicate, input)."""

LOSSES: Mapping[str, str] = {
    "squared": "half the squared distance from the target, summed over outputs",
    "cross_entropy": "of the softmax of several outputs against a distribution, of one against a label 1 or -1",
}
"""Names of ``losses.FUNCTIONS``, and what they are."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss that a user registered, and its code."""

    name: str
    function: LossFunction
    source: str


_REGISTERED: dict[str, Loss] = {}


def loss_names() -> list[str]:
    """What a loss may be called in this process."""
    return [*LOSSES, *sorted(_REGISTERED)]


def _named(name: str) -> str:
    if name not in loss_names():
        message = f"{name!r} is not known; allowed: {', '.join(loss_names())}"
        raise ValueError(message)  # pydantic knows the key
    return name


LossName = Annotated[str, AfterValidator(_named), Field(json_schema_extra={"names": "loss"})]
"""A field of a section that names a loss."""


def loss(name: str) -> LossFunction:
    """The loss of this name.

    Raises:
        SpecError: if there is none.
    """
    if name in _REGISTERED:
        return _REGISTERED[name].function
    if name not in LOSSES:
        message = f"loss: {name!r} is not known; allowed: {', '.join(loss_names())}"
        raise SpecError(message)
    function: LossFunction = importlib.import_module("widthwise.training.losses").FUNCTIONS[name]
    return function


def registered_losses() -> tuple[Loss, ...]:
    """The losses that a user registered in this process."""
    return tuple(_REGISTERED.values())


def adopt_losses(losses: Iterable[Loss]) -> None:
    """Make losses known that another process registered."""
    _REGISTERED.update({each.name: each for each in losses})
