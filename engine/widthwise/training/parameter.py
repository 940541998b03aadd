"""Parameter: a weight matrix, a bias or output weights in training: what it began with, and what was added."""

from collections.abc import Callable
from functools import cache
from weakref import WeakMethod

from torch import Tensor

from widthwise.spaces import Strategy
from widthwise.training.delta import Delta, delta
from widthwise.training.gradient import Gradient
from widthwise.training.layerwise import rms
from widthwise.training.move import Move, Size
from widthwise.training.rule import Rule
from widthwise.training.scales import Scales


class Parameter:
    r"""Weights :math:`\kappa W_0 + s D`: those that were drawn, decayed, and what was added to them.

    Attributes:
        scales: what powers and constants come to.
        remaining: :math:`\kappa`, the share of the initial weights that decay has left.
        gradient: the last one, None before the first step.
    """

    def __init__(
        self, rule: Rule, scales: Scales, initial: Callable[[], Tensor], *, samples: int | None, room: int
    ) -> None:
        """``initial()`` gives standard normal initial entries, or a one in their place where they are averaged away.

        ``samples`` is how many samples of kets an average over pairs takes, None for all; ``room`` how many bytes
        updates may take where they are held by entries.
        """
        self.scales = scales
        self.remaining = 1.0
        self.gradient: Gradient | None = None
        self._initial = cache(initial)
        self._samples = samples
        self._room = room
        self._delta: Delta | None = None
        weight_size = WeakMethod(self._weight_size)  # a circle would keep entries until it is collected
        self._move = Move(
            options=rule.optimizer,
            schedule=rule.schedule,
            constant=scales.rate,
            weight_size=lambda: _alive(weight_size)(),
        )

    def advance(self, left: Tensor, right: Tensor, t: int) -> None:
        """Take step t with the gradient sum left right^T, (replicate, term, row) and (replicate, term, column)."""
        self.gradient = Gradient(left=left, right=right, scale=self.scales.gradient)
        if self.scales.across or self.scales.down:
            added = self._delta or self._first_delta(self.gradient)
            added.advance(self.gradient, t)
            self._delta = added
        self.remaining *= 1 - self._move.decay(t)

    def added(self, x: Tensor, *, transposed: bool = False) -> Tensor | None:
        """What the updates add to the product with ``x``, or None if nothing."""
        if self._delta is None:
            return None
        share = self.scales.down if transposed else self.scales.across
        return share * self._delta.multiply(x, transposed=transposed)

    def on(self, drawn: Strategy) -> "Trained":
        """Products with these weights, where ``drawn`` gives those with the initial ones."""
        return Trained(drawn, self)

    def initially(self, drawn: Strategy) -> "Scaled":
        """Products with what is left of the initial weights alone."""
        return Scaled(drawn, self.scales.initial * self.remaining)

    def _first_delta(self, gradient: Gradient) -> Delta:
        return delta(self._move, gradient, self._samples, room=self._room, transposed=bool(self.scales.down))

    def _weight_size(self) -> Tensor:
        weights = self.scales.deviation * self.remaining * self._initial()
        if self._delta is not None and self.scales.entry:
            weights = weights + self.scales.entry * self._delta.entries()
        return rms(weights)


def _alive(method: WeakMethod[Size]) -> Size:
    found = method()
    assert found is not None  # it is the parameter that asks
    return found


class Trained:
    """Products with weights in training."""

    def __init__(self, drawn: Strategy, parameter: Parameter) -> None:
        self._initial = parameter.initially(drawn)
        self._parameter = parameter

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``."""
        initial = self._initial.multiply(x, transposed=transposed)
        added = self._parameter.added(x, transposed=transposed)
        return initial if added is None else initial + added


class Scaled:
    """Products with a multiple of a matrix."""

    def __init__(self, drawn: Strategy, scale: float) -> None:
        self._drawn = drawn
        self._scale = scale

    def multiply(self, x: Tensor, *, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``."""
        product = self._drawn.multiply(x, transposed=transposed)
        return product if self._scale == 1 else product * self._scale
