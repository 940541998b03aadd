"""Spec: everything a user can ask of a run, validated and frozen."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from widthwise.errors import SpecError
from widthwise.experiments import EXPERIMENTS, TABLES, NoOptions, has_limit, options_of, programs, shaped_by, tables_of
from widthwise.experiments.data import Data
from widthwise.models import MLP, Architecture
from widthwise.sections import Section
from widthwise.spec.axes import Axes, axes_of, require_axes
from widthwise.spec.choices import architecture, explained, filled, optimizer, with_schedule
from widthwise.spec.messages import closest, explain
from widthwise.training import SGD, OptimizerOptions, Scaling, Training

MAX_WIDTH = 2**28
MAX_TRIALS = 10**7
MAX_WIDTHS = 1000
UNWRITTEN: Mapping[str, Section] = {
    "model": MLP(),
    "data": Data(),
    "training": Training(),
    "optimizer": SGD(),
    "parametrization": Scaling(),
}
"""What stands in tables that an experiment does not use."""


def _trials(value: object) -> int | dict[int, int]:
    """An integer, or a table whose entry counts from its width upwards until the next entry."""
    if not isinstance(value, Mapping):
        return _count(value, "trials")
    if not value:
        message = "the table is empty; write for example {64 = 32, 16384 = 8}"
        raise ValueError(message)
    table = {_width_key(key): _count(trials, f"trials at width {key}") for key, trials in value.items()}
    return dict(sorted(table.items()))


def _count(value: object, name: str) -> int:
    if type(value) is not int or not 2 <= value <= MAX_TRIALS:
        message = f"{value!r} is not an integer from 2 to {MAX_TRIALS}, which the number of {name} must be"
        raise ValueError(message)
    return value


def _width_key(key: object) -> int:
    text = str(key)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        message = f"{key!r} is not a width; the table reads width = trials, for example {{64 = 32, 16384 = 8}}"
        raise ValueError(message)
    return int(text)


def _distinct(values: tuple[int, ...]) -> tuple[int, ...]:
    repeated = next((value for value in values if values.count(value) > 1), None)
    if repeated is not None:
        message = f"{repeated} stands twice; every width is measured once"
        raise ValueError(message)
    return values


Width = Annotated[int, Field(ge=2, le=MAX_WIDTH)]
Trials = Annotated[int | dict[int, int], BeforeValidator(_trials)]


class Sweep(Section):
    """What is varied: widths, trials at each, and in ``axes`` any other key, one dimension each.

    In a spec the axes stand beside ``width`` and ``trials``, and so they do in a dump.
    """

    width: Annotated[tuple[Width, ...], Field(min_length=1, max_length=MAX_WIDTHS), AfterValidator(_distinct)] = (
        64,
        256,
        1024,
        4096,
    )
    trials: Trials = 32
    axes: Axes = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_axes(cls, value: object) -> object:
        if not isinstance(value, Mapping) or "axes" in value:
            return value
        own = {key: entry for key, entry in value.items() if key in cls.model_fields}
        return own | {"axes": axes_of({key: entry for key, entry in value.items() if key not in own})}

    @model_validator(mode="after")
    def _require_trials_at_every_width(self) -> "Sweep":
        if isinstance(self.trials, dict) and min(self.width) < min(self.trials):
            message = f"trials: no entry for width {min(self.width)}; the table begins at {min(self.trials)}"
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _spread_axes(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        table: dict[str, Any] = handler(self)
        axes: dict[str, Any] = table.pop("axes")
        return table | axes


class Limit(Section):
    """How the limit is sampled: ``replicates`` independent estimates from ``samples`` coordinates each.

    ``estimator`` is ``"rqmc"`` (randomised quasi-Monte Carlo), ``"mc"`` (pseudo-random numbers) or ``"derivative"``:
    kets by their definition, hats and dots apart, the dots from derivatives; it is there to check the first.
    """

    samples: Annotated[int, Field(ge=2, le=2**30)] = 262144
    replicates: Annotated[int, Field(ge=2, le=4096)] = 8
    estimator: Literal["rqmc", "mc", "derivative"] = "rqmc"

    @model_validator(mode="after")
    def _require_balanced_sequence(self) -> "Limit":
        if self.estimator != "mc" and self.samples.bit_count() != 1:
            power = 2 ** round(math.log2(self.samples))
            message = (
                f'samples: {self.samples} is not a power of two, which estimator "{self.estimator}" needs; '
                f'write {power} or estimator = "mc"'
            )
            raise ValueError(message)
        return self


class Numerics(Section):
    """What decides the last bits: number format, trials computed together, threads and device of a worker, matrices."""

    dtype: Literal["float32", "float64"] = "float32"
    microbatch: Annotated[int, Field(ge=1, le=1024)] = 8
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    device: Literal["cpu", "cuda"] = "cpu"
    matrix: Literal["auto", "dense", "tiled", "revealed"] = "auto"


class Verdict(Section):
    """When a limit counts as confirmed: relative ``tolerance`` at a level of ``confidence``."""

    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95


class Spec(Section):
    """A run: what is measured, on what, for which widths, how exactly. Only ``experiment`` has no default.

    ``model`` and ``optimizer`` are sections of the class that their ``name`` says, ``options`` one of the class of the
    experiment. Of the tables from ``model`` to ``options`` an experiment uses some, and may have defaults of its own
    for them; those that it does not use cannot be set.

    Raises:
        SpecError: one line that names the key, the value and what is allowed, whichever way a spec is made.
    """

    experiment: str
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    model: SerializeAsAny[Architecture] = Field(default_factory=dict, validate_default=True)
    data: Data = Field(default_factory=dict, validate_default=True)
    training: Training = Field(default_factory=dict, validate_default=True)
    optimizer: SerializeAsAny[OptimizerOptions] = Field(default_factory=dict, validate_default=True)
    parametrization: Scaling = Field(default_factory=dict, validate_default=True)
    options: SerializeAsAny[Section] = Field(default_factory=NoOptions, validate_default=True)
    sweep: Sweep = Field(default_factory=Sweep)
    limit: Limit = Field(default_factory=Limit)
    numerics: Numerics = Field(default_factory=Numerics)
    verdict: Verdict = Field(default_factory=Verdict)

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_line(cls, value: object, handler: ModelWrapValidatorHandler["Spec"]) -> "Spec":
        # Strict sections take tuples only, and TOML and JSON know lists only.
        try:
            spec = handler(_frozen(value))
        except ValidationError as error:
            raise SpecError(explain(error, cls)) from None
        spec._require_tables_with_a_meaning()
        return spec

    def _require_tables_with_a_meaning(self) -> None:
        """Refuse a table that the experiment does not use, and a swept key of one."""
        used = tables_of(self.experiment)
        own = {name: getattr(self, name) for name in TABLES if name in used}
        require_axes(self.sweep.axes, own, shaped_by(self.experiment))
        if "parametrization.s" not in self.sweep.axes:
            self.parametrization.require_s()
        for name, default in UNWRITTEN.items():
            if name not in used and getattr(self, name) != default:
                message = f"{name}: {_without_meaning(self.experiment)}"
                raise SpecError(message)
        if not has_limit(self.experiment) and self.limit != Limit():
            message = f"limit: {_without_meaning(self.experiment)}"
            raise SpecError(message)

    @property
    def tables(self) -> Mapping[str, Section]:
        """By name those that only some experiments use, but ``data``, which stands for arrays."""
        return {name: getattr(self, name) for name in TABLES if name != "data"}

    @field_validator(*UNWRITTEN, mode="before")
    @classmethod
    def _over_the_defaults_of_the_experiment(cls, value: object, info: ValidationInfo) -> object:
        """What a user writes, beside what the experiment has by default; of the class that a name in it says."""
        if "experiment" not in info.data or not isinstance(value, Mapping | Section):
            return value
        experiment, table = info.data["experiment"], str(info.field_name)
        if isinstance(value, Mapping):
            value = filled(value, experiment, table)
        choose = {"model": architecture, "optimizer": optimizer, "training": with_schedule}.get(table)
        return choose(value, experiment) if choose else value

    @field_validator("options", mode="before")
    @classmethod
    def _take_those_of_the_experiment(cls, value: object, info: ValidationInfo) -> object:
        if "experiment" not in info.data or not isinstance(value, Mapping | Section):
            return value  # there are words for it elsewhere
        own = options_of(info.data["experiment"])
        if isinstance(value, own):
            return value
        if dict(value) and not own.model_fields:
            raise ValueError(_without_meaning(info.data["experiment"]))
        return explained(own, dict(value))

    @field_validator("experiment")
    @classmethod
    def _require_known(cls, name: str) -> str:
        known = [*EXPERIMENTS, *programs()]
        if name not in known:
            hint = "; only --program can name a program of yours" if ":" in name else closest(name, known)
            message = f"{name!r} is not known; allowed: {', '.join(known)}{hint}"
            raise ValueError(message)
        return name


def _without_meaning(experiment: str) -> str:
    kind = "program" if experiment in programs() else "experiment"
    return f"has no meaning for the {kind} {experiment}; leave the table out"


def _frozen(value: object) -> object:
    """The same tables with a tuple for every list."""
    if isinstance(value, Mapping):
        return {key: _frozen(entry) for key, entry in value.items()}
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list | tuple) else value
