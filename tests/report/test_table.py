"""The table says in words and numbers what the datasets hold."""

import io

import pytest
import xarray as xr
from rich.console import Console

from widthwise.report import summary_line, table
from widthwise.report.words import short, slope_words

Reduced = tuple[xr.Dataset, xr.Dataset]


def printed(run: Reduced, columns: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=columns, color_system=None).print(table(*run))
    return out.getvalue()


def test_every_run_fits_eighty_columns_uncut(any_run: Reduced) -> None:
    text = printed(any_run)
    assert "…" not in text
    assert "nan" not in text.lower()
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_row_holds_width_trials_and_distances(plain_run: Reduced) -> None:
    row = next(line for line in printed(plain_run).splitlines() if line.strip().startswith("1,048,576"))
    curves = plain_run[0].sel(readout="nngp", width=1048576)
    assert row.split()[:2] == ["1,048,576", "16"]
    assert f"{curves['value'].sel(metric='rms').item():#.3g}" in row


def test_hidden_distances_are_bounds(plain_run: Reduced) -> None:
    curves = plain_run[0].sel(readout="nngp", metric="bias", width=1048576)
    assert curves["low"].item() == 0
    assert f"< {short(curves['high'].item(), 2)}" in printed(plain_run)


def test_verdicts_are_words(plain_run: Reduced) -> None:
    text = printed(plain_run)
    assert "-0.5 inside" in text
    assert "limit confirmed" in text
    assert "largest width: trial noise" in text


def test_a_swept_run_names_its_points(swept_run: Reduced) -> None:
    text = printed(swept_run)
    for label in ("nngp, activation = erf, depth = 1", "ntk, activation = tanh, depth = 2"):
        assert label in text


@pytest.mark.parametrize(
    ("reach", "text"),
    [(0.0114, "-0.502 ± 0.011"), (0.4, "-0.50 ± 0.40"), (2.0, "-0.5 ± 2.0"), (1e-9, "-0.5023 ± 0.0000")],
)
def test_slopes_have_as_many_decimals_as_their_interval_supports(reach: float, text: str) -> None:
    assert slope_words(-0.5023, -0.5023 - reach, -0.5023 + reach) == text


def test_summary_counts_the_verdicts(any_run: Reduced) -> None:
    line = summary_line(*any_run)
    entries = any_run[1]["equivalent"].size
    slopes, limits = line.split("rms slopes: ")[1].split("; limits: ")
    for part in (slopes, limits.split(" (")[0]):
        assert sum(int(count.split()[0]) for count in part.split(", ")) == entries
    assert "\n" not in line
