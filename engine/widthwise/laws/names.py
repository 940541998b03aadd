"""Laws of random entries by name. This file knows only the names: drawing from them is loaded when it is done."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from widthwise.errors import SpecError

Sampler = Callable[[np.random.Generator, tuple[int, ...]], npt.ArrayLike]
"""``sampler(generator, shape)``: independent entries of mean 0 and variance 1, a function of the generator alone."""

_TEXT = re.compile(r"\s*([A-Za-z]\w*)\s*(?:\(\s*([^()\s]*)\s*\))?\s*")


@dataclass(frozen=True, kw_only=True)
class Law:
    """A law of mean 0 and variance 1; ``name`` is its canonical text, such as ``student_t(5)``.

    ``outside`` says why it lies outside the assumptions of the theorems (NGTP), and is None for the rest.
    ``source`` is the code of ``sampler``, a user's own way to draw from the law, and empty for the built-in ones.
    """

    name: str
    family: str
    parameter: float | None = None
    outside: str | None = None
    source: str = ""
    sampler: Sampler | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class _Parameter:
    """What stands between the parentheses of a family, and the numbers it may be."""

    meaning: str
    default: float
    rule: str
    allows: Callable[[float], bool]


FAMILIES: Mapping[str, _Parameter | None] = {
    "gaussian": None,
    "laplace": None,
    "orthogonal": None,
    "rademacher": None,
    "sparse": _Parameter(
        meaning="density", default=0.1, rule="is a number from 1e-6 to 1", allows=lambda p: 1e-6 <= p <= 1
    ),
    "student_t": _Parameter(
        meaning="degrees of freedom",
        default=5.0,
        rule="must be above 2, else the variance is infinite, and at most 1e6",
        allows=lambda nu: 2 < nu <= 1e6,
    ),
    "truncated_normal": _Parameter(
        meaning="cut",
        default=2.0,
        rule="is a number of standard deviations from 0.1 to 4, beyond which the law is gaussian",
        allows=lambda c: 0.1 <= c <= 4,
    ),
    "uniform": None,
}
"""The built-in families; the parameter of one that has it may be left out."""

_REGISTERED: dict[str, Law] = {}


def law_names() -> list[str]:
    """What a law may be called in this process, each parameter at its default."""
    return sorted({*(_canonical(family, own) for family, own in FAMILIES.items()), *_REGISTERED})


def law(text: str | Law) -> Law:
    """The law that ``family`` or ``family(parameter)`` names; a law is itself.

    Raises:
        SpecError: no such family, or a parameter that it cannot have.
    """
    if isinstance(text, Law):
        return text
    parts = _TEXT.fullmatch(text)
    family, argument = parts.groups() if parts else (text, None)
    if family in _REGISTERED and argument is None:
        return _REGISTERED[family]
    if family in FAMILIES:
        return _built_in(text, family, argument)
    if family in _REGISTERED:
        raise SpecError(_no_parameter(text, family))
    near = difflib.get_close_matches(family, [*FAMILIES, *_REGISTERED], n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    message = f"{_shown(text)} is not known; allowed: {', '.join(law_names())}{hint}"
    raise SpecError(message)


def require_law(text: str | Law) -> str:
    """The canonical name of a law: ``student_t`` is ``student_t(5)``.

    Raises:
        SpecError: if it is not known; the message begins with the text, so that a caller can put its key before it.
    """
    return law(text).name


def registered_laws() -> Sequence[Law]:
    """The laws that a user registered in this process."""
    return tuple(_REGISTERED.values())


def adopt_laws(laws: Iterable[Law]) -> None:
    """Make laws known that another process registered."""
    _REGISTERED.update({each.name: each for each in laws})


def _built_in(text: str, family: str, argument: str | None) -> Law:
    own = FAMILIES[family]
    if own is None:
        if argument is not None:
            raise SpecError(_no_parameter(text, family))
        return Law(name=family, family=family, outside=_outside(family, None))
    parameter = own.default if argument is None else _number(argument)
    if not own.allows(parameter):
        message = (
            f"{_shown(text)}: the {own.meaning} of {family} {own.rule}; write for example {_canonical(family, own)}"
        )
        raise SpecError(message)
    return Law(
        name=f"{family}({_digits(parameter)})",
        family=family,
        parameter=parameter,
        outside=_outside(family, parameter),
    )


def _outside(family: str, parameter: float | None) -> str | None:
    if family == "student_t" and parameter is not None and parameter <= 4:
        return "student_t with nu <= 4 has no finite fourth moment"
    return "entries of an orthogonal matrix are dependent" if family == "orthogonal" else None


def _canonical(family: str, own: _Parameter | None) -> str:
    return family if own is None else f"{family}({_digits(own.default)})"


def _digits(number: float) -> str:
    """The shortest text that reads back as the number: 5, 0.1, 1e-05."""
    return repr(float(number)).removesuffix(".0")


def _number(argument: str) -> float:
    """The number that a text is, NaN (which no parameter may be) if it is none."""
    try:
        return float(argument)
    except ValueError:
        return math.nan


def _no_parameter(text: str, family: str) -> str:
    return f"{_shown(text)}: {family} takes no parameter; write {family}"


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
