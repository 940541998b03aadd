"""View: what a network gives at one step of training, for all inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from widthwise.training.network import Signals


@dataclass(frozen=True, eq=False, kw_only=True)
class View:
    """Outputs, and what they are made of.

    Attributes:
        outputs: float64, (replicate, input, output).
        parts: signals of some inputs each.
        order: where each input is found in the parts; None where they are in order.
    """

    outputs: Tensor
    parts: tuple[Signals, ...]
    order: Tensor | None

    def signals(self) -> Signals:
        """The signals of all inputs, without their graph."""
        columns = zip(*((*part.states, part.readout) for part in self.parts), strict=True)
        *states, readout = (_ordered(column, self.order) for column in columns)
        return Signals(states=tuple(states), readout=readout)


def merged(views: Sequence[tuple[Tensor, Tensor, Signals]]) -> View:
    """One view out of several (indices of inputs, outputs, signals)."""
    indices = torch.cat([each for each, _, _ in views])
    in_order = torch.equal(indices, torch.arange(len(indices)))
    order = None if in_order else indices.argsort()
    return View(
        outputs=_ordered([outputs for _, outputs, _ in views], order),
        parts=tuple(signals for _, _, signals in views),
        order=order,
    )


def _ordered(parts: Sequence[Tensor], order: Tensor | None) -> Tensor:
    """Parts along the axis of inputs as one, (replicate, input, ...)."""
    whole = torch.cat([part.detach() for part in parts], 1) if len(parts) > 1 else parts[0].detach()
    return whole if order is None else whole[:, order]
