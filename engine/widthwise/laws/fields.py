"""Fields of a section that name a law, kept as its canonical name."""

from typing import Annotated

from pydantic import AfterValidator, Field

from widthwise.errors import SpecError
from widthwise.laws.names import law, require_law


def _canonical(text: str) -> str:
    try:
        return require_law(text)
    except SpecError as error:
        raise ValueError(str(error)) from None  # pydantic knows the key


def _independent(text: str) -> str:
    name = _canonical(text)
    if law(name).family == "orthogonal":
        message = f"{name!r} is a law of matrices only; a vector needs independent entries, for example 'gaussian'"
        raise ValueError(message)
    return name


LawName = Annotated[str, AfterValidator(_canonical), Field(json_schema_extra={"names": "law"})]
"""A law of the entries of matrices. The schema says what is named, since the names are not fixed."""

VectorLawName = Annotated[str, AfterValidator(_independent), Field(json_schema_extra={"names": "vector law"})]
"""A law of the coordinates of vectors."""
