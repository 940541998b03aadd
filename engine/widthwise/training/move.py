"""Move: how far one parameter goes at every step, whatever the update function says."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from widthwise.training.layerwise import factor
from widthwise.training.optimizer import Optimizer, optimizer
from widthwise.training.options import OptimizerOptions
from widthwise.training.schedules import Schedule

Size = Callable[[], Tensor]
"""Gives the size of entries, the root of their mean square, (replicate, 1, 1)."""


@dataclass(frozen=True, kw_only=True)
class Move:
    r"""The rule :math:`D \leftarrow (1 - \lambda \eta_t) D - \eta_t \rho k_t Q_t(g_0, ..., g_t)` of one parameter.

    Attributes:
        options: of the optimizer, with :math:`\eta` and :math:`\lambda`.
        schedule: what the learning rate is multiplied by at step t.
        constant: :math:`\rho`, of the parameter's learning rate.
        weight_size: size of the weights before they move, which :math:`k_t` may depend on.
    """

    options: OptimizerOptions
    schedule: Schedule
    constant: float
    weight_size: Size
    optimizer: Optimizer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", optimizer(self.options))

    def decay(self, t: int) -> float:
        r"""What the weights lose at step t, :math:`\lambda \eta_t`."""
        return self.options.weight_decay * self._rate(t)

    def rate_of(self, t: int, update_size: Size) -> Tensor | float:
        """What the update of step t is multiplied by: a number, or one for each replicate, (replicate, 1, 1)."""
        return self._rate(t) * self.constant * factor(self.options, t, update_size, self.weight_size)

    @property
    def asks_for_size(self) -> bool:
        """Whether the size of an update decides how far it goes."""
        return self.options.clip is not None or self.options.normalise

    def _rate(self, t: int) -> float:
        return self.options.learning_rate * self.schedule(t)
