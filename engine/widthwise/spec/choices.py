"""Tables whose class a name inside of them chooses, and what an experiment has in a table by default."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from widthwise.experiments import defaults_of, models_of
from widthwise.models import MODELS
from widthwise.sections import Section
from widthwise.spec.messages import closest, explain, shown
from widthwise.training import SCHEDULES, optimizer_names, options_named

Table = Mapping[str, object]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "model": ("name",),
    "data": ("source",),
    "optimizer": ("name",),
    "parametrization": ("preset", "a", "b", "c", "d"),
}
"""Keys of each table that decide what else can stand in it."""


def filled(written: Table, experiment: str, table: str) -> Table:
    """What a user writes for a table, over what the experiment has there by default.

    The defaults go with their choice: whoever chooses otherwise begins with nothing.
    """
    defaults = defaults_of(experiment, table)
    choices = CHOICES.get(table, ())
    if any(key in written and written[key] != defaults.get(key) for key in choices):
        return written
    return {**defaults, **written}


def architecture(value: Table | Section, experiment: str) -> Section:
    """``[model]`` as a section of the class that it names, the first that the experiment takes by default.

    Raises:
        ValueError: the name is none of an architecture that the experiment takes, or the section is wrong.
    """
    allowed = models_of(experiment)
    name = _name(value, allowed[0])
    if name not in allowed:
        wrong = "is not known" if name not in MODELS else f"has no meaning for {experiment}"
        raise ValueError(_no_name(name, wrong, allowed))
    return explained(MODELS[name], value) if isinstance(value, Mapping) else value


def optimizer(value: Table | Section, experiment: str) -> Section:
    """``[optimizer]`` as a section of the class that it names, gradient descent by default.

    Raises:
        ValueError: no optimizer has this name, or the section is wrong.
    """
    name, allowed = _name(value, "sgd"), optimizer_names()
    if name not in allowed:
        raise ValueError(_no_name(name, "is not known", allowed))
    return explained(options_named(name), value) if isinstance(value, Mapping) else value


def with_schedule(value: Table | Section, experiment: str) -> Table | Section:
    """``[training]`` with its ``schedule`` as a section of the class that it names, a constant one by default.

    Raises:
        ValueError: no schedule has this name, or its section is wrong.
    """
    if not isinstance(value, Mapping) or not isinstance(table := value.get("schedule"), Mapping):
        return value
    try:
        return {**value, "schedule": _schedule(table)}
    except ValueError as error:
        message = f"schedule.{error}"
        raise ValueError(message) from None


def _schedule(table: Table) -> Section:
    name = _name(table, "constant")
    if name not in SCHEDULES:
        raise ValueError(_no_name(name, "is not known", SCHEDULES))
    return explained(SCHEDULES[name], table)


def explained(section: type[Section], table: Table) -> Section:
    """The table as a section; what is wrong with it in our words.

    Raises:
        ValueError: in one line that begins with the key.
    """
    try:
        return section.model_validate(table)
    except ValidationError as error:
        raise ValueError(explain(error, section)) from None


def _name(value: Table | Section, default: str) -> str:
    return str(value.get("name", default) if isinstance(value, Mapping) else getattr(value, "name", default))


def _no_name(name: str, wrong: str, allowed: Iterable[str]) -> str:
    return f"name: {shown(name)} {wrong}; allowed: {', '.join(allowed)}{closest(name, allowed)}"
