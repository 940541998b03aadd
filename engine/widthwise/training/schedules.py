"""Schedules: what the learning rate is multiplied by at each step. Any function of the step may stand for one."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from widthwise.sections import Section

Steps = Annotated[int, Field(ge=1, le=10**9)]


class Schedule(Section):
    r"""A factor of the learning rate: :math:`\eta_t = \eta\,s(t)`, t = 0, 1, ...

    ``warmup``: over so many steps it rises linearly, (t + 1) / warmup; the rest of the schedule begins after these.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"name"})

    name: str
    warmup: Annotated[int, Field(ge=0, le=10**9)] = 0

    def __call__(self, t: int) -> float:
        """The factor at step t, at most 1."""
        return (t + 1) / self.warmup if t < self.warmup else self.after_warmup(t - self.warmup)

    @abstractmethod
    def after_warmup(self, t: int) -> float:
        """The factor, t steps after the warmup."""


class Constant(Schedule):
    """1; with ``warmup`` a linear warmup and nothing else."""

    name: Literal["constant"] = "constant"

    def after_warmup(self, t: int) -> float:
        """1."""
        return 1.0


class Cosine(Schedule):
    r"""Half a cosine from 1 down to ``final`` over ``steps``, and constant from there.

    .. math:: s(t) = f + (1 - f) \frac{1 + \cos(\pi t / T)}{2}

    Source: Loshchilov and Hutter 2017 (1608.03983), without restarts.
    """

    name: Literal["cosine"] = "cosine"
    steps: Steps = 100
    final: Annotated[float, Field(ge=0, le=1)] = 0.0

    def after_warmup(self, t: int) -> float:
        """See the class."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * min(t / self.steps, 1.0))) / 2


class Step(Schedule):
    """Multiplied by ``factor`` after every ``every`` steps."""

    name: Literal["step"] = "step"
    every: Steps = 30
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1

    def after_warmup(self, t: int) -> float:
        """See the class."""
        return float(self.factor ** (t // self.every))


SCHEDULES: Mapping[str, type[Schedule]] = {each.model_fields["name"].default: each for each in (Constant, Cosine, Step)}
"""Sections by name."""
