"""An experiment: what is measured on a Space, and the closed form it is compared with where one is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from widthwise.spaces import Space

SLOPES: Mapping[str, float] = {"rms": -0.5, "std": -0.5, "bias": -1.0}


@dataclass(frozen=True, kw_only=True)
class Readout:
    """A named array that an experiment measures, one per replicate.

    ``expected_slopes`` maps each metric to the exponent of the width that theory predicts (mathematics: section 13).
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    long_name: str
    description: str
    source: str
    units: str = "1"
    expected_slopes: Mapping[str, float] = field(default_factory=lambda: dict(SLOPES))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """``measure(space)`` gives each readout (replicate, *readout.shape), ``exact()`` the limit without sampling."""

    name: str
    readouts: tuple[Readout, ...]
    measure: "Callable[[Space], Mapping[str, Tensor]]"
    exact: Callable[[], Mapping[str, np.ndarray]] | None = None
