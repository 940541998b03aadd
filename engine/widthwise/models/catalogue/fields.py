"""Fields that several architectures have: what their values may be."""

from typing import Annotated, Literal

from pydantic import Field

Variance = Annotated[float, Field(gt=0, le=1e6)]
BiasVariance = Annotated[float, Field(ge=0, le=1e6)]
Depth = Annotated[int, Field(ge=1, le=1024)]
Count = Annotated[int, Field(ge=1, le=4096)]
Few = Annotated[int, Field(ge=1, le=64)]
Ratio = Annotated[float, Field(ge=1 / 64, le=64)]
Scale = Annotated[float, Field(gt=0, le=1e3)]
Epsilon = Annotated[float, Field(gt=0, le=1)]
Padding = Literal["zeros", "circular", "none"]
Pooling = Literal["mean", "flatten"]
