"""The coordinate check and the map of the dichotomy for people: table, JSON, summary, figures."""

import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from widthwise.reduce import reduce
from widthwise.report import summary_line, table, to_json
from widthwise.report.coordinate_drawing import draw_coordinates
from widthwise.report.coordinates import coordinate_panels
from widthwise.report.dichotomy_drawing import draw_dichotomy
from widthwise.report.dichotomy_map import BEHAVIOURS, FEATURES, OUTPUT, behaviour, dichotomy_map, predicted
from widthwise.report.panels import panels

WIDTHS, TRIALS = (64, 256, 1024), 16
Reduced = tuple[xr.Dataset, xr.Dataset]

SIZES: Mapping[str, tuple[float, float]] = {
    "state_1": (0.0, 0.0),
    "function_start": (-0.5, -0.5),
    "change_1_first": (0.0, 0.0),
    "change_2_first": (1.0, 0.0),
    "change_readout_first": (0.5, np.nan),
    "function_first": (0.0, 0.0),
    "update_input_1_first": (-0.5, -0.5),
    "update_input_output_first": (0.0, 0.0),
}
"""Powers by name, the true one and the predicted one; of one change a wrong one, of another none."""


def reduced(
    sizes: Mapping[str, tuple[object, object]], axes: Mapping[str, list[str]] | None = None, **bad: float
) -> Reduced:
    """Sizes n^power with a spread of 5 %, alike at all points where powers are numbers; ``bad`` ones are constant."""
    random = np.random.default_rng(1)
    axes = axes or {}
    shape = tuple(len(values) for values in axes.values())
    widths = np.array(WIDTHS, dtype=float)[:, None]
    dims = (*axes, "width", "trial")
    trials: dict[str, object] = {"trial_count": (dims[:-1], np.full((*shape, len(WIDTHS)), TRIALS))}
    exact = {}
    for name, (power, expected) in sizes.items():
        values = widths ** np.asarray(power)[..., None, None] * np.exp(
            0.05 * random.standard_normal((*shape, len(WIDTHS), TRIALS))
        )
        trials[name] = (dims, values * 0 + bad[name] if name in bad else values, {"size": 1})
        exact[name] = (tuple(axes), np.broadcast_to(np.asarray(expected), shape).copy())
    groups = {"trials": xr.Dataset(trials, axes).assign_coords(width=list(WIDTHS)), "exact": xr.Dataset(exact, axes)}
    return reduce(xr.DataTree.from_dict(groups), tolerance=0.01, confidence=0.95, expected={})


def printed(found: Reduced) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table(*found))
    return console.export_text()


def test_the_table_has_a_row_for_each_size_with_its_verdict() -> None:
    lines = {line.split()[0]: line for line in printed(reduced(SIZES)).splitlines() if line.strip()}
    assert "0 inside" in lines["change_1_first"]
    assert "0 outside" in lines["change_2_first"]
    assert lines["change_readout_first"].rstrip().endswith("-")
    assert "-0.5 inside" in lines["function_start"]
    assert "limit" not in "".join(lines.values())


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "size 0 at widths 64, 256, 1,024"), (np.nan, "diverged at widths 64, 256, 1,024")]
)
def test_what_has_no_slope_is_said_in_a_line(value: float, words: str) -> None:
    found = reduced(SIZES, function_first=value)
    assert f"function_first: {words}" in printed(found)
    (result,) = [each for each in to_json(*found)["results"] if each["readout"] == "function_first"]  # type: ignore[union-attr,index]
    assert (result["slopes"]["rms"]["slope"], result["slopes"]["rms"]["consistent"]) == (None, None)
    assert result["widths"][0]["rms"]["value"] == (0.0 if value == 0 else None)


def test_two_points_have_a_table_each() -> None:
    found = reduced(SIZES, {"parametrization.preset": ["mup", "sp"]})
    assert [printed(found).count(f"preset = {name}, sizes") for name in ("mup", "sp")] == [1, 1]


def test_machines_read_the_size_its_slope_and_no_limit() -> None:
    results = to_json(*reduced(SIZES))["results"]
    by_name = {each["readout"]: each for each in results}  # type: ignore[attr-defined,index]
    change = by_name["change_2_first"]
    assert change["limit"] is change["equivalent"] is None
    assert list(change["slopes"]) == ["rms"]
    assert change["slopes"]["rms"]["expected"] == 0.0
    assert change["slopes"]["rms"]["consistent"] is False
    assert change["widths"][0]["rms"]["value"] == pytest.approx(64, rel=0.1)


def test_the_summary_counts_slopes_alone() -> None:
    line = summary_line(*reduced(SIZES))
    assert line == "widths 64 to 1,024; rms slopes: 6 as expected, 1 not as expected"


def test_curves_of_sizes_can_be_drawn_like_any_other() -> None:
    assert {panel.subtitle for panel in panels(*reduced(SIZES))[0] if panel} == {""}


def test_a_panel_for_each_kind_of_size_and_a_line_for_each_layer() -> None:
    (column,) = coordinate_panels(*reduced(SIZES))
    assert [panel.title for panel in column] == [
        "before training",
        "change by the first step",
        "input of Q, first step",
    ]
    assert [[line.label for line in panel.lines] for panel in column] == [
        ["1", "f"],
        ["1", "2", "readout", "f"],
        ["1", "output"],
    ]
    assert [line.verdict for line in column[1].lines] == ["pass", "FAIL", "", "pass"]
    assert [panel.subtitle for panel in column] == [
        f"{k} of {n} slopes as predicted" for k, n in ((2, 2), (2, 3), (2, 2))
    ]


def test_points_of_a_sweep_are_columns() -> None:
    columns = coordinate_panels(*reduced(SIZES, {"parametrization.preset": ["mup", "sp"]}))
    assert [column[0].title for column in columns] == ["preset = mup, before training", "preset = sp, before training"]


@pytest.mark.parametrize(
    ("axes", "bad"),
    [(None, {"function_first": 0.0, "state_1": np.nan}), ({"parametrization.preset": ["mup", "sp"]}, {})],
)
def test_figures_are_the_same_bytes_again(
    tmp_path: Path, axes: Mapping[str, list[str]] | None, bad: Mapping[str, float]
) -> None:
    columns = coordinate_panels(*reduced(SIZES, axes, **bad))
    for name in ("one.png", "two.png"):
        draw_coordinates(columns, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def plane_run(slip: float = 0.0) -> Reduced:
    """Behaviour as predicted, values of the axes not in order; the function may grow by n^slip besides."""
    features, output = ["1/2", "-1/2", "0"], ["0", "1/2"]
    r, s = (np.array([float(Fraction(value)) for value in values]) for values in (features, output))
    moved = np.broadcast_to(-r[:, None], (3, 2))
    function = np.maximum(-s, moved) + slip
    sizes = {"features_first": (moved, np.nan), "function_first": (function, np.nan)}
    return reduced(sizes, {FEATURES: features, OUTPUT: output})


def test_the_map_says_what_is_predicted_and_what_was_measured() -> None:
    found = dichotomy_map(plane_run()[0])
    assert (found.features, found.output) == ((Fraction(-1, 2), 0, Fraction(1, 2)), (0, Fraction(1, 2)))
    names = [[BEHAVIOURS[k] for k in row] for row in found.predicted.tolist()]
    assert names == [["unstable", "feature_learning", "operator"], ["unstable", "feature_learning", "trivial"]]
    assert (found.measured == found.predicted).all()
    assert found.agreeing == 6
    assert dichotomy_map(plane_run(slip=1.0)[0]).agreeing == 2


@pytest.mark.parametrize(
    ("slopes", "name"),
    [
        ((0.5, 0.5), "unstable"),
        ((-1.0, 0.2), "unstable"),
        ((0.02, -0.01), "feature_learning"),
        ((0.02, -1.0), "feature_learning"),
        ((-0.25, 0.1), "operator"),
        ((-0.25, -0.5), "trivial"),
        ((np.nan, 0.0), "unknown"),
    ],
)
def test_two_slopes_are_a_behaviour(slopes: tuple[float, float], name: str) -> None:
    assert behaviour(*slopes) == name


def test_predictions_are_those_of_the_theory() -> None:
    assert predicted(Fraction(0), Fraction(1)) == "feature_learning"
    assert predicted(Fraction(1, 4), Fraction(0)) == "operator"
    assert predicted(Fraction(1, 4), Fraction(1, 4)) == "trivial"
    assert predicted(Fraction(1), Fraction(-1, 4)) == predicted(Fraction(-1, 4), Fraction(1)) == "unstable"


def test_maps_are_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        draw_dichotomy(dichotomy_map(plane_run(slip=1.0)[0]), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
