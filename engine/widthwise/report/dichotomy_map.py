"""Dichotomy map: predicted regimes over a plane of parametrizations, and what was measured there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.experiments.dichotomy import plane
from widthwise.experiments.options import Dichotomy
from widthwise.store import Run
from widthwise.theory import classify
from widthwise.theory.parametrizations import exponent

FEATURES, OUTPUT = "options.features", "options.output"

Behaviour = Literal["unstable", "feature_learning", "operator", "trivial", "unknown"]
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)

STAYS = 0.125
"""A size whose slope is nearer to 0 than to a quarter neither grows nor vanishes."""


@dataclass(frozen=True, kw_only=True)
class DichotomyMap:
    """Positions in `BEHAVIOURS`, arrays (output, features), of what is predicted and of what was measured."""

    features: tuple[Fraction, ...]
    output: tuple[Fraction, ...]
    predicted: NDArray[np.int64]
    measured: NDArray[np.int64]
    narrowest: int
    widest: int

    @property
    def agreeing(self) -> int:
        """At how many points both are the same."""
        return int((self.predicted == self.measured).sum())


DEPTH = 2
"""Regimes are the same at every other."""


def has_dichotomy_map(run: Run) -> bool:
    """Whether a run is a sweep of ``dichotomy`` over both exponents and nothing else."""
    axes = {axis.name for axis in run.layout.axes}
    return run.record.spec["experiment"] == "dichotomy" and axes == {FEATURES, OUTPUT}


def dichotomy_map(curves: xr.Dataset) -> DichotomyMap:
    """What the first step does at every point of the sweep, exponents ascending.

    Args:
        curves: of a run for which `has_dichotomy_map`.
    """
    features, output = ([exponent(str(value)) for value in curves[key].to_numpy()] for key in (FEATURES, OUTPUT))
    slopes = curves["slope"].sel(metric="rms").transpose(OUTPUT, FEATURES, "readout")
    slopes = slopes.isel({FEATURES: _ascending(features), OUTPUT: _ascending(output)})
    both = (slopes.sel(readout=f"{name}_first").to_numpy() for name in ("features", "function"))
    widths = curves["width"].to_numpy()
    return DichotomyMap(
        features=tuple(sorted(features)),
        output=tuple(sorted(output)),
        predicted=_positions([[predicted(r, s) for r in sorted(features)] for s in sorted(output)]),
        measured=_positions([[behaviour(*pair) for pair in zip(*row, strict=True)] for row in zip(*both, strict=True)]),
        narrowest=int(widths.min()),
        widest=int(widths.max()),
    )


def predicted(features: Fraction, output: Fraction) -> Behaviour:
    """What theory says of the parametrization at a point of the plane, whatever the depth."""
    found = classify(plane(Dichotomy(features=str(features), output=str(output)), DEPTH).exponents(DEPTH - 1))
    return "unstable" if not found.stable else found.regime or "trivial"


def behaviour(features: float, function: float) -> Behaviour:
    """What the slopes of the changes of features and function say."""
    if math.isnan(features + function):
        return "unknown"
    if max(features, function) > STAYS:
        return "unstable"
    if features >= -STAYS:
        return "feature_learning"
    return "operator" if function >= -STAYS else "trivial"


def _ascending(values: Sequence[Fraction]) -> list[int]:
    return sorted(range(len(values)), key=values.__getitem__)


def _positions(names: Sequence[Sequence[Behaviour]]) -> NDArray[np.int64]:
    return np.array([[BEHAVIOURS.index(name) for name in row] for row in names])
