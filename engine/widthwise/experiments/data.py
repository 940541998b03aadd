"""What inputs a network is to have: real digits, random vectors, or an array from a file."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from widthwise.sections import Section


class Data(Section):
    """``count`` inputs from a source.

    ``count`` defaults to 8, of a file to all its rows. ``features`` is the dimension of random inputs, 16 by default.
    ``path`` and ``name`` are the file and the variable inside it.
    """

    shape: ClassVar[frozenset[str]] = frozenset({"count"})

    source: Literal["digits", "gaussian", "sphere", "file"] = "digits"
    path: str | None = None
    name: str | None = None
    count: Annotated[int, Field(ge=1, le=4096)] | None = None
    features: Annotated[int, Field(ge=1, le=2**20)] | None = None

    @model_validator(mode="after")
    def _require_matching_keys(self) -> "Data":
        if self.source == "file" and self.path is None:
            message = 'path: is missing, which source = "file" needs'
            raise ValueError(message)
        for key, value, sources in (
            ("path", self.path, ("file",)),
            ("name", self.name, ("file",)),
            ("features", self.features, ("gaussian", "sphere")),
        ):
            if value is not None and self.source not in sources:
                message = f"{key}: has no meaning for source = {self.source!r}; it belongs to {' and '.join(sources)}"
                raise ValueError(message)
        return self
