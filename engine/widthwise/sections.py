"""Section: the shape shared by every table of options a user can write."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen table of options that refuses unknown keys, loose types, NaN and infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    shape: ClassVar[frozenset[str]] = frozenset()
    """Fields that decide the shape of readouts: they cannot be swept, since a store has one shape."""
