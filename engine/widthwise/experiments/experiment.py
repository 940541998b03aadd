"""An experiment: what is measured on a Space, and the closed form it is compared with where one is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from widthwise.spaces import Space

SLOPES: Mapping[str, float] = {"rms": -0.5, "std": -0.5, "bias": -1.0, "w2": -0.5}


@dataclass(frozen=True, kw_only=True)
class Readout:
    """A named array that an experiment measures, one per replicate.

    ``expected_slopes`` maps each metric to the exponent of the width that theory predicts (mathematics: section 13);
    those of metrics that the readout does not have are ignored.

    A ``law`` is a law on the real line, or one for each of several vectors or directions (the leading dimensions): its
    last dimension holds the means of the quantile function over cells of (0, 1), spaced as ``law`` says
    (``widthwise.theory.cells``). Its distance from the limit is `w2`, any other readout has `rms`, `bias` and `std`.

    ``scale`` is the norm that distances are relative to (for a law the root mean square), None that of the limit. A
    readout whose limit is 0 needs one.

    ``coords`` are the values along those dimensions that have any, such as the orders of moments.

    ``profile`` is the dimension along which a positive readout is to be looked at, the first one and with coords, the
    same one for all readouts of an experiment. Two more, over pairs of inputs, are reduced to the mean of the diagonal.
    ``"width"`` is for readouts whose distance from 0 is the question: their norm against the width, and in the limit.

    A ``size`` has no limit. Its root mean square over trials is a power of the width, the metric `rms`, and what
    ``exact`` of the experiment gives is the power that theory predicts; NaN where it predicts none.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    long_name: str
    description: str
    source: str
    units: str = "1"
    expected_slopes: Mapping[str, float] = field(default_factory=lambda: dict(SLOPES))
    law: Literal["even", "tails"] | None = None
    scale: float | None = None
    coords: Mapping[str, tuple[int | float | str, ...]] = field(default_factory=dict)
    profile: str | None = None
    size: bool = False


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """``measure(space)`` gives each readout (replicate, *readout.shape), ``exact()`` the limit without sampling.

    ``exact`` may leave a readout NaN. ``draws_entries`` says of a program whether it draws all entries of a matrix,
    ``moves_entries`` whether it trains them one by one.
    """

    name: str
    readouts: tuple[Readout, ...]
    measure: "Callable[[Space], Mapping[str, Tensor]]"
    exact: Callable[[], Mapping[str, np.ndarray]] | None = None
    draws_entries: bool = False
    moves_entries: bool = False
