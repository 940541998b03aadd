"""reduce: the raw results of a run in, convergence curves and verdicts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from widthwise.reduce.agreement import Agreement, agreement
from widthwise.reduce.curve import Curve, curve
from widthwise.reduce.estimates import METRICS, METRICS_OF, Estimates, estimates
from widthwise.reduce.limit_check import LimitCheck, limit_check
from widthwise.reduce.power_law import PowerLaw, power_law
from widthwise.reduce.profiles import READINGS, profile, profiled
from widthwise.reduce.readouts import readouts
from widthwise.reduce.sample_floor import sample_floor
from widthwise.reduce.samples import Array, Samples, readout_names, sweep_axes
from widthwise.reduce.shown_laws import LAWS, shown_laws
from widthwise.reduce.sizes import any_sized, size
from widthwise.reduce.variables import variable
from widthwise.reduce.verdict import TERMS, consistent, consistent_power, dominant, equivalent

Expected = Mapping[str, Mapping[str, float]]

VERDICTS = {"array": consistent, "law": consistent, "size": consistent_power}


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """All results of one readout at one point of the sweep."""

    samples: Samples
    estimates: Estimates
    curve: Curve
    laws: tuple[PowerLaw, ...]
    expected: tuple[float, ...]
    agreement: Agreement
    limit_check: LimitCheck
    sample_floor: Array


def reduce(
    tree: xr.DataTree, *, tolerance: float, confidence: float, expected: Expected
) -> tuple[xr.Dataset, xr.Dataset]:
    """Curves and verdicts of everything complete in ``tree``; equal trees give equal bits.

    The limit is the closed form where there is one, else the mean of the limit's replicates with its error. A width
    counts from two complete trials on and has an interval from three; a sampled limit likewise.

    Args:
        tree: groups ``trials``, ``limit`` and, where known, ``exact`` and ``arithmetic``, as ``widthwise.open`` gives.
            Attributes ``law`` and ``scale`` of a readout's trials say how its distances are taken, ``profile`` along
            which dimension it is to be looked at; the width means its norm. One with ``size`` has no limit: distances
            are those from 0, and ``exact`` holds the slope that is expected of it.
        tolerance: relative difference from the limit that counts as none.
        confidence: of every interval and bound, between 0 and 1; of sizes, which are many, of all at a point together.
        expected: slope by readout and metric; its order is that of the readouts.

    Returns:
        ``curves`` with dimensions (*axes, readout, metric, width) and ``verdicts`` with (*axes, readout, metric). What
        belongs to a metric that a readout does not have is NaN or undetermined.

    Source:
        Section 13 of the mathematics; the variables' own descriptions.
    """
    trials = tree["trials"].to_dataset()
    axes, names = sweep_axes(trials), readout_names(trials, expected)
    reduced = [
        _reduced(each.samples, each.confidence, expected.get(each.name, {}))
        for each in readouts(tree, confidence, expected)
    ]
    shape = (*(trials.sizes[axis] for axis in axes), len(names))
    coordinates = {axis: trials[axis] for axis in axes} | {"readout": list(names), "metric": list(METRICS)}
    curves = xr.Dataset(_curves(reduced, shape, (*axes, "readout")), coordinates, {"confidence": confidence})
    curves = curves.assign_coords(width=np.sort(trials["width"].to_numpy()))
    if any(each.samples.cells for each in reduced):
        curves = curves.assign(quantiles=_quantiles(reduced, shape, (*axes, "readout")), law=list(LAWS))
    along = profiled(trials)
    if along is not None:
        profiles = _profiles(reduced, shape, (*axes, "readout"), trials[along])
        curves = curves.assign(profiles).assign_coords({along: trials[along], "reading": list(READINGS)})
    if any_sized(trials):
        curves = curves.assign(_sizes(reduced, shape, (*axes, "readout")))
    verdicts = _verdicts(reduced, shape, (*axes, "readout"), tolerance)
    return curves, xr.Dataset(verdicts, coordinates, {"confidence": confidence, "tolerance": tolerance})


def _reduced(samples: Samples, confidence: float, expected: Mapping[str, float]) -> Reduced:
    found = estimates(samples)
    own = METRICS_OF[samples.kind]
    if samples.predicted is not None:
        expected = {"rms": samples.predicted}
    distances = curve(found, confidence)
    return Reduced(
        samples=samples,
        estimates=found,
        curve=distances,
        laws=tuple(power_law(found, distances, metric, confidence) for metric in range(len(METRICS))),
        expected=tuple(expected.get(metric, np.nan) if metric in own else np.nan for metric in METRICS),
        agreement=Agreement() if samples.kind == "size" else agreement(found, confidence),
        limit_check=limit_check(samples),
        sample_floor=sample_floor(samples, found),
    )


def _curves(reduced: Sequence[Reduced], shape: tuple[int, ...], dims: tuple[str, ...]) -> dict[str, xr.Variable]:
    variables: dict[str, xr.Variable] = {}
    for name in ("value", "low", "high", "noise_floor"):
        rows = [getattr(each.curve, name) for each in reduced]
        variables[name] = variable(name, (*dims, "metric", "width"), rows, shape)
    floors = [[r.sample_floor if metric == "w2" else np.nan * r.sample_floor for metric in METRICS] for r in reduced]
    variables["sample_floor"] = variable("sample_floor", (*dims, "metric", "width"), floors, shape)
    for name in ("slope", "slope_low", "slope_high", "prefactor", "correction"):
        rows = [[getattr(law, name) for law in each.laws] for each in reduced]
        variables[name] = variable(name, (*dims, "metric"), rows, shape)
    variables["expected_slope"] = variable("expected_slope", (*dims, "metric"), [r.expected for r in reduced], shape)
    counts = [[trial.count for trial in each.estimates.trials] for each in reduced]
    variables["trials"] = variable("trials", (*dims, "width"), counts, shape)
    variables["replicates"] = variable("replicates", dims, [len(each.samples.limit) for each in reduced], shape)
    exact = [each.samples.exact is not None for each in reduced]
    variables["reference"] = variable("reference", dims, exact, shape)
    kinds = [list(METRICS_OF).index(each.samples.kind) for each in reduced]
    variables["kind"] = variable("kind", dims, kinds, shape)
    return variables


def _quantiles(reduced: Sequence[Reduced], shape: tuple[int, ...], dims: tuple[str, ...]) -> xr.Variable:
    rows = [shown_laws(each.samples, each.estimates.reference.mean) for each in reduced]
    return variable("quantiles", (*dims, "law", "cell"), rows, shape)


def _profiles(
    reduced: Sequence[Reduced], shape: tuple[int, ...], dims: tuple[str, ...], along: xr.DataArray
) -> dict[str, xr.Variable]:
    both = [profile(each.samples, each.estimates, along.size) for each in reduced]
    return {
        name: variable(name, (*dims, "reading", str(along.name)), rows, shape)
        for name, rows in zip(("profile", "profile_error"), zip(*both, strict=True), strict=True)
    }


def _sizes(reduced: Sequence[Reduced], shape: tuple[int, ...], dims: tuple[str, ...]) -> dict[str, xr.Variable]:
    sizes, errors, limits = zip(*(size(each.samples, each.estimates) for each in reduced), strict=True)
    return {
        "size": variable("size", (*dims, "width"), sizes, shape),
        "size_error": variable("size_error", (*dims, "width"), errors, shape),
        "limit_size": variable("limit_size", dims, limits, shape),
    }


def _verdicts(
    reduced: Sequence[Reduced], shape: tuple[int, ...], dims: tuple[str, ...], tolerance: float
) -> dict[str, xr.Variable]:
    slopes = [
        [VERDICTS[r.samples.kind](law, slope) for law, slope in zip(r.laws, r.expected, strict=True)] for r in reduced
    ]
    variables = {
        "consistent": variable("consistent", (*dims, "metric"), slopes, shape),
        "equivalent": variable("equivalent", dims, [equivalent(r.agreement, tolerance) for r in reduced], shape),
        "dominant": variable("dominant", dims, [dominant(r.agreement) for r in reduced], shape),
    }
    for name in ("extrapolated", "extrapolated_low", "extrapolated_high", *TERMS):
        variables[name] = variable(name, dims, [getattr(each.agreement, name) for each in reduced], shape)
    for name in ("limit_error", "limit_error_se"):
        variables[name] = variable(name, dims, [getattr(each.limit_check, name) for each in reduced], shape)
    return variables
