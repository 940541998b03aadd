"""Phase diagram: what a sweep over weight and bias variance says of order and chaos, a rearrangement of its results."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.models import activation, activation_names
from widthwise.store import Run
from widthwise.theory import critical_weight_variance

Array = NDArray[np.float64]
WEIGHT, BIAS = "model.weight_variance", "model.bias_variance"

FEWEST = 3
"""Values of each variance below which curves say more than a diagram."""

LINE_POINTS = 33
"""Bias variances at which the critical line is drawn."""


@dataclass(frozen=True, kw_only=True)
class PhaseDiagram:
    r"""Measured at the width ``width``: arrays (bias variance, weight variance), NaN where nothing is known.

    ``correlation`` is that of two inputs in the last state, mean over pairs of inputs and trials; ``growth`` is
    :math:`(G_1 / G_L)^{1/(L-1)}`, G the mean square of the error signals, which tends to chi_1 with the depth L.
    ``line`` are points (bias variance, weight variance) with chi_1 = 1; none if the activation is not known here, being
    one that a user registers.
    """

    weight_variances: Array
    bias_variances: Array
    correlation: Array
    growth: Array
    line: Array
    activation: str
    width: int
    depth: int


def has_phase_diagram(run: Run) -> bool:
    """Whether a run is a sweep of an MLP over both variances and nothing else, with two inputs and states at least."""
    model: Any = run.record.spec.get("model")
    if run.record.spec["experiment"] != "signal_propagation" or model["name"] != "mlp" or model["ratios"]:
        return False
    values = {axis.name: len(axis.values) for axis in run.layout.axes}
    return (
        values.keys() == {WEIGHT, BIAS}
        and min(values.values()) >= FEWEST
        and all(min(readout.shape) >= 2 for readout in run.layout.readouts)
    )


def phase_diagram(name: str, trials: xr.Dataset) -> PhaseDiagram:
    """The diagram of the largest width that has trials.

    Args:
        name: of the activation.
        trials: the group ``trials`` of a run for which `has_phase_diagram`.
    """
    counts = trials["trial_count"].sortby([BIAS, WEIGHT]).transpose(BIAS, WEIGHT, "width")
    computed = counts.any((BIAS, WEIGHT)).to_numpy()
    column = int(np.flatnonzero(computed)[-1]) if computed.any() else 0
    covariance, gradient = (_at(trials, readout, column) for readout in ("covariance", "gradient"))
    done = np.arange(covariance.shape[2]) < counts.isel(width=column).to_numpy()[..., None]
    squares = np.einsum("bwtsii->bwts", gradient)
    ends = _mean(squares[..., 0], done) / _mean(squares[..., -1], done)
    biases, depth = np.sort(trials[BIAS].to_numpy().astype(np.float64)), trials.sizes["state"]
    return PhaseDiagram(
        weight_variances=np.sort(trials[WEIGHT].to_numpy().astype(np.float64)),
        bias_variances=biases,
        correlation=_mean(_correlation(covariance[..., -1, :, :]), done),
        growth=ends ** (1 / (depth - 1)),
        line=_critical(name, biases),
        activation=name,
        width=int(trials["width"].to_numpy()[column]),
        depth=depth,
    )


def _at(trials: xr.Dataset, readout: str, column: int) -> Array:
    """A readout at one width, (bias variance, weight variance, trial, state, input, input)."""
    values = trials[readout].isel(width=column).sortby([BIAS, WEIGHT])
    return values.transpose(BIAS, WEIGHT, "trial", "state", "input", "input_").to_numpy()


def _correlation(covariance: Array) -> Array:
    """Mean over pairs of different inputs."""
    sizes = np.sqrt(np.einsum("...ii->...i", covariance))
    first, second = np.triu_indices(covariance.shape[-1], 1)
    return (covariance[..., first, second] / (sizes[..., first] * sizes[..., second])).mean(axis=-1)


def _mean(values: Array, done: NDArray[np.bool_]) -> Array:
    """Over the trials that are done; NaN if none is."""
    count = done.sum(axis=-1)
    return np.where(done, values, 0.0).sum(axis=-1) / np.where(count, count, np.nan)


def _critical(name: str, biases: Array) -> Array:
    if name not in activation_names():
        return np.empty((0, 2))
    low, high = max(edges(biases)[0], 0.0), edges(biases)[-1]
    line = low + (high - low) * np.linspace(0, 1, LINE_POINTS) ** 3  # of odd functions it is steep at 0
    return np.stack([line, critical_weight_variance(activation(name).dual, line)], axis=1)


def edges(values: Array) -> Array:
    """Borders of the cells of ascending values: midway between neighbours, and as far beyond both ends."""
    middle = (values[:-1] + values[1:]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
