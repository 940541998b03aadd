"""What pydantic found, in one line: the key, the value, the rule."""

import difflib
import typing
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from widthwise.sections import Section

RULES = {
    "int_type": "is not an integer",
    "int_from_float": "is not an integer",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "string_type": "is not text; put it in quotes",
    "bool_type": "is not a boolean; write true or false",
    "tuple_type": "is not a list; write [...]",
    "model_type": "is not a table of keys",
    "model_attributes_type": "is not a table of keys",
    "dict_type": "is not a table of keys",
    "greater_than_equal": "is below {ge}, the smallest allowed",
    "greater_than": "is not above {gt}",
    "less_than_equal": "is above {le}, the largest allowed",
    "less_than": "is not below {lt}",
    "literal_error": "is not known; allowed: {expected}",
    "too_short": "is too short; give at least {min_length}",
    "too_long": "is too long; give at most {max_length}",
}


def explain(error: ValidationError, root: type[Section]) -> str:
    """The first problem of a document for ``root``."""
    problem = error.errors(include_url=False)[0]
    location = tuple(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return _unknown_key(location, root)
    if problem["type"] == "missing":
        return f'{key_name(location)}: is missing; write for example experiment = "ntk"'
    if problem["type"] == "value_error":
        return _own_words(problem, location)
    rule = RULES.get(problem["type"], f"is not valid ({problem['msg']})").format(**problem.get("ctx", {}))
    value = "this" if isinstance(problem["input"], dict) else shown(problem["input"])
    return f"{key_name(location)}: {value} {rule}"


def shown(value: object) -> str:
    """A value in at most 60 characters of one line, tuples as the lists that a user wrote."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} binary digits"
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def key_name(location: tuple[int | str, ...]) -> str:
    """``("sweep", "width", 2)`` as ``sweep.width[2]``; the whole document as ``spec``, axes as the keys they are."""
    text = ""
    location = location[:1] if location[:2] == ("sweep", "axes") else location
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{quoted(part)}"
    return text.removeprefix(".") or "spec"


def closest(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'relu'?"``, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def quoted(key: str) -> str:
    """A key as TOML writes it: in quotes when it holds anything but letters, digits, ``_`` and ``-``."""
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else f'"{key}"'


def _own_words(problem: ErrorDetails, location: tuple[int | str, ...]) -> str:
    """A message of a validator of ours; one about a whole table begins with the key inside it."""
    text = str(problem["ctx"]["error"])
    inner, colon, rest = text.partition(": ")
    if not location:
        return text
    if colon and isinstance(problem["input"], dict | Section) and " " not in inner:
        return f"{key_name(location)}.{inner}: {rest}"
    return f"{key_name(location)}: {text}"


def _unknown_key(location: tuple[int | str, ...], root: type[Section]) -> str:
    known = list(_section_at(location[:-1], root).model_fields)
    name = str(location[-1])
    return f"{key_name(location)}: is not a known key; allowed: {', '.join(known)}{closest(name, known)}"


def _section_at(location: tuple[int | str, ...], root: type[Section]) -> type[Section]:
    section = root
    for part in location:
        annotation = section.model_fields[str(part)].annotation if str(part) in section.model_fields else None
        candidates = (annotation, *typing.get_args(annotation))
        inner = next((c for c in candidates if isinstance(c, type) and issubclass(c, Section)), None)
        if inner is None:
            return section
        section = inner
    return section
