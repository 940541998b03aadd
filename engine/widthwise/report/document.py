"""to_json: curves and verdicts for machines."""

import math

import xarray as xr

from widthwise.report.entries import Entry, entries, meaning, number
from widthwise.report.words import TERMS

TRUTH = {"yes": True, "no": False, "undetermined": None}


def to_json(curves: xr.Dataset, verdicts: xr.Dataset) -> dict[str, object]:
    """Everything the table says as JSON values; what is unknown or undetermined is null.

    Returns:
        ``confidence``, ``tolerance`` and ``results``, a list with for each point of the sweep and each readout:
        ``point`` (swept key: value), ``readout``, ``limit`` (``exact`` or ``sampled``; null of a size, which has
        none and of which ``rms`` is the size itself), ``replicates``;
        ``widths``, a list of ``width``, ``trials`` and by metric ``value``, ``low``, ``high``, ``noise_floor`` and, for
        ``w2``, ``sample_floor``; the metrics are ``rms``, ``bias``, ``std``, or ``w2`` alone for a law;
        ``slopes``, by metric ``slope``, ``low``, ``high``, ``expected``, ``prefactor``, ``correction``, ``consistent``;
        ``equivalent``; ``extrapolated`` with ``value``, ``low``, ``high``; ``error_budget`` with ``width_bias``,
        ``trial_noise``, ``limit_noise``, ``arithmetic``, ``dominant``; ``limit_error`` with ``value``, ``expected``.
    """
    return {
        "confidence": float(verdicts.attrs["confidence"]),
        "tolerance": float(verdicts.attrs["tolerance"]),
        "results": [_result(entry) for entry in entries(curves, verdicts)],
    }


def _result(entry: Entry) -> dict[str, object]:
    verdicts = entry.verdicts
    dominant = meaning(verdicts, "dominant")
    return {
        "point": dict(entry.point),
        "readout": entry.readout,
        "limit": None if entry.is_size else meaning(entry.curves, "reference"),
        "replicates": int(number(entry.curves, "replicates")),
        "widths": [_width(entry, index) for index in range(entry.curves.sizes["width"])],
        "slopes": {metric: _slope(entry, metric) for metric in entry.metrics},
        "equivalent": TRUTH[meaning(verdicts, "equivalent")],
        "extrapolated": {
            "value": _known(verdicts, "extrapolated"),
            "low": _known(verdicts, "extrapolated_low"),
            "high": _known(verdicts, "extrapolated_high"),
        },
        "error_budget": {term: _known(verdicts, term) for term in TERMS}
        | {"dominant": dominant if dominant in TERMS else None},
        "limit_error": {"value": _known(verdicts, "limit_error"), "expected": _known(verdicts, "limit_error_se")},
    }


def _width(entry: Entry, index: int) -> dict[str, object]:
    curves = entry.curves.isel(width=index)
    names = ["value", "low", "high", "noise_floor", *(["sample_floor"] if entry.is_law else [])]
    distances: dict[str, object] = {
        metric: {name: _known(curves.sel(metric=metric), name) for name in names} for metric in entry.metrics
    }
    return {"width": int(number(curves, "width")), "trials": int(number(curves, "trials"))} | distances


def _slope(entry: Entry, metric: str) -> dict[str, object]:
    curves = entry.curves.sel(metric=metric)
    return {
        "slope": _known(curves, "slope"),
        "low": _known(curves, "slope_low"),
        "high": _known(curves, "slope_high"),
        "expected": _known(curves, "expected_slope"),
        "prefactor": _known(curves, "prefactor"),
        "correction": _known(curves, "correction"),
        "consistent": TRUTH[meaning(entry.verdicts.sel(metric=metric), "consistent")],
    }


def _known(values: xr.Dataset, name: str) -> float | None:
    value = number(values, name)
    return value if math.isfinite(value) else None
