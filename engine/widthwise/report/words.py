"""Numbers and verdicts in words, the same in table, figure and log."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.report.entries import Entry, entries, meaning, number

TERMS = {
    "width_bias": "width bias",
    "trial_noise": "trial noise",
    "limit_noise": "limit noise",
    "arithmetic": "arithmetic",
}
CONSISTENT = {"yes": "as expected", "no": "not as expected", "undetermined": "undetermined"}
HEADLINES = ("rms", "w2")
"""Metrics that measure all of a distance, of which every readout has one."""
EQUIVALENT = {"yes": "confirmed", "no": "refuted", "undetermined": "undetermined"}


def short(value: float, digits: int = 3) -> str:
    """``value`` with so many significant digits; a dash for NaN."""
    return "-" if math.isnan(value) else f"{value:.{digits}g}"


def percent(share: float) -> str:
    """0.95 as ``95 %``."""
    return f"{100 * share:g} %"


def slope_words(slope: float, low: float, high: float) -> str:
    """``-0.502 ± 0.011``: as many decimals as the interval supports."""
    if math.isnan(slope):
        return "-"
    reach = (high - low) / 2
    if not reach > 0:
        return f"{slope:.3f}"
    decimals = min(max(1 - math.floor(math.log10(reach)), 1), 4)
    return f"{slope:.{decimals}f} ± {reach:.{decimals}f}"


def why_no_slope(entry: Entry) -> str:
    """What is in the way of a size's slope, ``size 0 at widths 64, 256; diverged at width 1,024``; else empty."""
    curves = entry.curves.sel(metric="rms")
    widths, value = curves["width"].to_numpy(), curves["value"].to_numpy()
    noise = (value > 0) & ~(value > curves["noise_floor"].to_numpy())
    diverged = np.isnan(value) & (curves["trials"].to_numpy() > 0)
    found = (("size 0", value == 0), ("below rounding", noise), ("diverged", diverged))
    return "; ".join(f"{what} at {_list_widths(widths[at])}" for what, at in found if at.any())


def _list_widths(widths: NDArray[np.int64]) -> str:
    return f"width{'s' if len(widths) > 1 else ''} {', '.join(f'{width:,}' for width in widths)}"


def limit_words(entry: Entry) -> str:
    """Whether the finite widths extrapolate to the limit."""
    verdicts = entry.verdicts
    high, tolerance = number(verdicts, "extrapolated_high"), float(verdicts.attrs["tolerance"])
    verdict = EQUIVALENT[meaning(verdicts, "equivalent")]
    if math.isnan(high):
        return f"limit {verdict}: fewer than two widths with two trials"
    bound = (
        f"extrapolated difference below {short(high, 2)} at {percent(float(verdicts.attrs['confidence']))} confidence"
    )
    if meaning(verdicts, "equivalent") == "no":
        bound = f"extrapolated difference {short(number(verdicts, 'extrapolated'), 2)}"
    return f"limit {verdict}: {bound}, tolerance {tolerance:g}"


def limit_phrase(entry: Entry) -> str:
    """The kind of limit and its verdict in a few words: ``exact limit, confirmed to 0.0014``."""
    kind, verdict = meaning(entry.curves, "reference"), meaning(entry.verdicts, "equivalent")
    low, high = (short(number(entry.verdicts, f"extrapolated_{end}"), 2) for end in ("low", "high"))
    detail = {
        "yes": f"confirmed to {high}",
        "no": f"at least {low} off",
        "undetermined": "neither confirmed nor refuted",
    }
    return f"{kind} limit, {detail[verdict]}"


def budget_words(entry: Entry) -> str:
    """The error budget at the largest width, largest term first."""
    sizes = {name: number(entry.verdicts, term) for term, name in TERMS.items()}
    known = sorted(((size, name) for name, size in sizes.items() if size > 0), reverse=True)
    return "errors at the largest width: " + (
        ", ".join(f"{name} {short(size, 2)}" for size, name in known) or ("none" if 0 in sizes.values() else "unknown")
    )


def reference_words(entry: Entry) -> str:
    """Which limit the distances are from and, where both are known, how far the sampled one is off."""
    if meaning(entry.curves, "reference") == "sampled":
        return f"sampled limit, {int(number(entry.curves, 'replicates'))} replicates"
    error, expected = (number(entry.verdicts, name) for name in ("limit_error", "limit_error_se"))
    if math.isnan(error):
        return "exact limit"
    return f"exact limit; the sampled one is {short(error, 2)} off (its own estimate: {short(expected, 2)})"


def summary_line(curves: xr.Dataset, verdicts: xr.Dataset) -> str:
    """All verdicts counted, ``rms slopes: 2 as expected; w2 slopes: 1 as expected; limits: 3 confirmed``.

    Slopes that nothing is expected of are left out.
    """
    found = list(entries(curves, verdicts))
    limits = _counted([meaning(entry.verdicts, "equivalent") for entry in found if not entry.is_size], EQUIVALENT)
    slopes = {
        metric: [
            meaning(entry.verdicts.sel(metric=metric), "consistent")
            for entry in found
            if entry.metrics[0] == metric and not math.isnan(number(entry.curves.sel(metric=metric), "expected_slope"))
        ]
        for metric in HEADLINES
    }
    widths = curves["width"].to_numpy()
    counts = [f"widths {widths.min():,} to {widths.max():,}"]
    counts += [f"{metric} slopes: {_counted(words, CONSISTENT)}" for metric, words in slopes.items() if words]
    counts += [f"limits: {limits} (tolerance {verdicts.attrs['tolerance']:g})"] if limits else []
    return "; ".join(counts)


def _counted(meanings: Sequence[str], names: dict[str, str]) -> str:
    counts = Counter(names[meaning] for meaning in meanings)
    return ", ".join(f"{counts[name]} {name}" for name in names.values() if counts[name])
