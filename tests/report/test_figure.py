"""The figure draws every run, readably and reproducibly."""

import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from widthwise.errors import SpecError
from widthwise.report import figure
from widthwise.report.drawing import apart, draw_panel, value_range
from widthwise.report.panels import Panel, panels

Reduced = tuple[xr.Dataset, xr.Dataset]


def test_every_run_is_drawn(any_run: Reduced, tmp_path: Path) -> None:
    figure(*any_run, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_equal_curves_give_equal_bytes_whatever_the_user_has_set(
    plain_run: Reduced, tmp_path: Path, suffix: str
) -> None:
    figure(*plain_run, tmp_path / f"one{suffix}")
    with mpl.rc_context({"font.size": 20, "axes.grid": False, "savefig.dpi": 50}):
        figure(*plain_run, tmp_path / f"two{suffix}")
        assert mpl.rcParams["font.size"] == 20
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_an_unknown_format_is_refused_before_anything_is_written(plain_run: Reduced, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'curves.bmp'.*allowed: .png, .pdf, .svg"):
        figure(*plain_run, tmp_path / "curves.bmp")
    assert not list(tmp_path.iterdir())


def test_a_panel_per_readout_or_per_metric_and_readout(plain_run: Reduced, swept_run: Reduced) -> None:
    (row,) = panels(*plain_run)
    assert [panel.title for panel in row] == ["nngp", "ntk"]
    assert [series.label for series in row[0].series] == ["rms", "bias"]
    rows = panels(*swept_run)
    assert [[panel.title for panel in each] for each in rows] == [
        ["nngp, rms", "ntk, rms"],
        ["nngp, bias", "ntk, bias"],
    ]
    assert len(rows[0][0].series) == 6


def test_points_of_the_fit_are_those_before_the_first_hidden_one(plain_run: Reduced) -> None:
    bias = panels(*plain_run)[0][0].series[1]
    used = bias.used
    assert used[0]
    assert not used[-1]
    assert np.array_equal(used, np.sort(used)[::-1])
    fit = bias.fitted(bias.widths[used])
    assert (fit > bias.low[used] / 1.5).all()
    assert (fit < bias.high[used] * 1.5).all()


@pytest.mark.parametrize("run", ["plain_run", "swept_run"])
def test_labels_do_not_overlap(run: str, request: pytest.FixtureRequest) -> None:
    for panel in itertools.chain(*panels(*request.getfixturevalue(run))):
        boxes = label_boxes(panel)
        for one, two in itertools.combinations(boxes, 2):
            assert not one.overlaps(two)


def label_boxes(panel: Panel) -> list[mpl.transforms.Bbox]:
    drawing = Figure(figsize=(4.3, 3.6), layout="constrained")
    axes = drawing.subplots()
    draw_panel(axes, panel, value_range(panel.series))
    drawing.draw_without_rendering()
    return [
        text.get_window_extent() for text in axes.texts if text.get_text() and not text.get_text().startswith("slope")
    ]


@pytest.mark.parametrize("heights", [[0.0, 0.0, 0.0], [0.9, 0.95, 1.2], [0.1, 0.5, 0.9], [-3.0, 0.5]])
def test_labels_moveapart_in_order_and_stay_inside(heights: list[float]) -> None:
    moved = apart(heights, 0.2)
    assert all(high - low > 0.2 - 1e-12 for low, high in itertools.pairwise(moved))
    assert min(moved) >= 0
    assert max(moved) <= 1
    if heights == [0.1, 0.5, 0.9]:
        assert moved == heights
