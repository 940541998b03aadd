"""Profiles: which lines and points stand together where a readout is shown step by step, a pure rearrangement."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from widthwise.report.entries import Entry, ends, point_label
from widthwise.report.palette import BLACK

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Values with their errors at every step: a line for the ``limit``, else points, hollow of the ``narrowest``."""

    label: str
    colour: int
    reading: str
    values: Array
    errors: Array


@dataclass(frozen=True, kw_only=True)
class ProfilePanel:
    """Profiles in one pair of axes; ``steps`` are the values of the dimension ``along``."""

    title: str
    subtitle: str
    along: str
    steps: Array
    profiles: tuple[Profile, ...]


def along(curves: xr.Dataset) -> str | None:
    """The dimension along which readouts are to be looked at, None if there is none."""
    return str(curves["profile"].dims[-1]) if "profile" in curves else None


def profile_panel(points: Sequence[Entry]) -> ProfilePanel | None:
    """The limit as a line, the smallest and the largest width as points; None for a readout without a profile.

    Of a sweep a colour for each of its points, else one for each reading.
    """
    curves = points[0].curves
    dim = along(curves)
    if dim is None or not np.isfinite(curves["profile"].to_numpy()).any():
        return None
    narrow, wide = ends(points[0])
    readings = {"narrowest": f"n = {narrow:,}", "widest": f"n = {wide:,}", "limit": "limit"}
    if narrow == wide:
        del readings["narrowest"]
    if len(points) == 1:
        colours = {"narrowest": 1, "widest": 0, "limit": BLACK}
        shown = [(points[0], reading, label, colours[reading]) for reading, label in readings.items()]
    else:
        shown = [
            (entry, reading, point_label(entry.point) if reading == "limit" else "", colour)
            for colour, entry in enumerate(points)
            for reading in readings
        ]
    return ProfilePanel(
        title=f"{points[0].readout} along {dim}",
        subtitle="" if len(points) == 1 else _subtitle(readings),
        along=dim,
        steps=curves[dim].to_numpy().astype(np.float64),
        profiles=tuple(_profile(*each) for each in shown),
    )


def _subtitle(readings: dict[str, str]) -> str:
    hollow = f"hollow: {readings['narrowest']}, " if "narrowest" in readings else ""
    return f"lines: limits, {hollow}filled: {readings['widest']}"


def _profile(entry: Entry, reading: str, label: str, colour: int) -> Profile:
    curves = entry.curves.sel(reading=reading)
    return Profile(
        label=label,
        colour=colour,
        reading=reading,
        values=curves["profile"].to_numpy(),
        errors=curves["profile_error"].to_numpy(),
    )
