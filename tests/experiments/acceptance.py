"""What the tests of the experiments share: an experiment measured on a space, a run reduced, means within errors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

import widthwise
from widthwise.experiments import Experiment, build
from widthwise.models import MLP, RNN
from widthwise.spaces import Space
from widthwise.spec import load_spec
from widthwise.training import Training

Values = Mapping[str, np.ndarray]

REPLICATES = 32
ERRORS = 5.0
"""By chance exceeded once in 5e4 by the mean of 32 replicates (Student's t), once in 2e6 by a normal number."""

ROUNDING = 1e-5
"""Of float32, relative to the size of what is compared."""

INPUTS = np.sin(1 + np.arange(3) + 2 * np.arange(2)[:, None])
"""Of experiments with data, which all others ignore: (input, feature)."""


def experiment(name: str, **options: object) -> Experiment:
    """An experiment with some of its options, two steps of it if it trains."""
    model = RNN(steps=3) if name == "recurrent_gradients" else MLP()
    tables = load_spec({"experiment": name, "options": options}).tables
    return build(name, {**tables, "model": model, "training": Training(steps=2)}, INPUTS)


def exact_limit(name: str, **options: object) -> Values:
    """The closed form."""
    exact = experiment(name, **options).exact
    assert exact is not None
    return exact()


def measured(name: str, space: Space, **options: object) -> Values:
    """Its readouts on a space, (replicate, *readout.shape)."""
    values = experiment(name, **options).measure(space)
    return {readout: value.detach().double().numpy() for readout, value in values.items()}


def reduced(path: Path, **spec: object) -> tuple[xr.Dataset, xr.Dataset]:
    """Curves and verdicts of a run in this process; a small sampled limit unless the spec says otherwise."""
    limit = {"samples": 4096, "replicates": 4}
    done = widthwise.open(widthwise.run({"limit": limit} | spec, path, address="inline"))
    return done["curves"].to_dataset().load(), done["verdicts"].to_dataset().load()


def standard_error(values: np.ndarray) -> np.ndarray:
    """Of the mean over axis 0."""
    return values.std(0, ddof=1) / len(values) ** 0.5


def assert_mean_is(values: np.ndarray, limit: np.ndarray | float, rounding: float = ROUNDING) -> None:
    """Every entry of the mean over axis 0 within `ERRORS` standard errors of ``limit``, and rounding."""
    assert len(values) >= REPLICATES
    distance, error = np.abs(values.mean(0) - limit), standard_error(values)
    assert (distance <= ERRORS * error + rounding * (1 + np.abs(limit))).all(), distance / error


def assert_means_agree(values: np.ndarray, others: np.ndarray) -> None:
    """Every entry of both means over axis 0 within `ERRORS` standard errors of their difference, and rounding."""
    assert_mean_is(values - others, 0.0)


def has_slope(law: xr.Dataset, slope: float) -> bool:
    """Whether the interval of the slope of one curve holds ``slope`` and is shorter than 1."""
    low, high = law["slope_low"].item(), law["slope_high"].item()
    return low <= slope <= high < low + 1
