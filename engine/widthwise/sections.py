"""Section: the shape shared by every table of options a user can write."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen table of options that refuses unknown keys, loose types, NaN and infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
