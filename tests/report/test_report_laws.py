"""Table, figure and JSON of a run with laws: each readout with its own metrics, and widths where there is none."""

import io
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from widthwise.reduce import reduce
from widthwise.report import figure, summary_line, table, to_json
from widthwise.report.densities import Law, densities
from widthwise.report.panels import LawPanel, Panel, panels

Reduced = tuple[xr.Dataset, xr.Dataset]
WIDTHS = [32, 64, 128, 256, 512]
CELLS = 20


def law_run(*, points: int = 1, empty: tuple[int, ...] = (32, 512), array: bool = True) -> Reduced:
    """An array ``moment`` that tends to 0 and a law ``spectrum`` that is not at the widths ``empty`` and in the ket."""
    random = np.random.default_rng(0)
    axes = {} if points == 1 else {"model.depth": list(range(1, points + 1))}
    shape = tuple(len(values) for values in axes.values())
    spread = 1 / np.sqrt(np.array(WIDTHS))[:, None, None]
    law = np.broadcast_to(2 * (np.arange(CELLS) + 0.5) / CELLS - 1, (*shape, CELLS))
    spectrum = law[..., None, None, :] * (1 + spread * random.standard_normal((*shape, len(WIDTHS), 32, 1)))
    spectrum[..., [WIDTHS.index(width) for width in empty], :, :] = np.nan
    moment = spread * random.standard_normal((*shape, len(WIDTHS), 32, 1))
    groups = {
        "trials": {
            "moment": ((*axes, "width", "trial", "one"), moment, {"scale": 1.0}),
            "spectrum": ((*axes, "width", "trial", "cell"), spectrum, {"law": "even"}),
            "trial_count": ((*axes, "width"), np.full((*shape, len(WIDTHS)), 32)),
        },
        "limit": {
            "moment": ((*axes, "replicate", "one"), 1e-3 * random.standard_normal((*shape, 4, 1))),
            "spectrum": ((*axes, "replicate", "cell"), np.full((*shape, 4, CELLS), np.nan)),
        },
        "exact": {
            "moment": ((*axes, "one"), np.zeros((*shape, 1))),
            "spectrum": ((*axes, "cell"), law),
        },
    }
    if not array:
        for variables in groups.values():
            del variables["moment"]
    datasets = {name: xr.Dataset(variables, axes) for name, variables in groups.items()}
    datasets["trials"] = datasets["trials"].assign_coords(width=WIDTHS)
    slopes = {"rms": -0.5, "bias": -1.0, "std": -0.5, "w2": -0.5}
    expected = {"moment": slopes, "spectrum": slopes}
    return reduce(xr.DataTree.from_dict(datasets), tolerance=0.1, confidence=0.95, expected=expected)


CASES: dict[str, dict[str, object]] = {
    "mixed": {},
    "laws alone": {"array": False},
    "swept": {"points": 3},
    "laws alone, swept": {"points": 3, "array": False},
    "empty": {"empty": tuple(WIDTHS)},
    "one width": {"empty": tuple(WIDTHS[1:])},
}


@pytest.fixture(params=CASES, scope="module")
def any_law_run(request: pytest.FixtureRequest) -> Reduced:
    return law_run(**CASES[request.param])


@pytest.fixture(scope="module")
def mixed() -> Reduced:
    return law_run()


def printed(run: Reduced) -> str:
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(table(*run))
    return out.getvalue()


def test_every_run_is_shown(any_law_run: Reduced, tmp_path: Path) -> None:
    text = printed(any_law_run)
    assert "…" not in text
    assert "nan" not in text.lower()
    document = to_json(*any_law_run)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    figure(*any_law_run, tmp_path / "laws.png")
    assert (tmp_path / "laws.png").read_bytes().startswith(b"\x89PNG")


def test_equal_curves_give_equal_bytes(mixed: Reduced, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        figure(*mixed, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_the_table_has_the_metrics_of_each_readout(mixed: Reduced) -> None:
    lines = printed(mixed).splitlines()
    headings = [line.split()[2:] for line in lines if line.strip().startswith("width")]
    assert headings == [["rms", "bias", "std"], ["w2", "independent", "samples"]]
    spectrum = lines[lines.index(next(line for line in lines if line.startswith("spectrum"))) :]
    assert next(line for line in spectrum if line.split()[:1] == ["512"]).split()[1:3] == ["0", "-"]
    floor = mixed[0]["sample_floor"].sel(readout="spectrum", metric="w2", width=64).item()
    assert next(line for line in spectrum if line.split()[:1] == ["64"]).split()[-1] == f"{floor:.2g}"


def test_json_has_the_metrics_of_each_readout(mixed: Reduced) -> None:
    moment, spectrum = to_json(*mixed)["results"]
    assert set(moment["slopes"]) == {"rms", "bias", "std"}
    assert set(spectrum["slopes"]) == {"w2"}
    assert set(moment["widths"][1]["rms"]) == {"value", "low", "high", "noise_floor"}
    assert set(spectrum["widths"][1]) == {"width", "trials", "w2"}
    assert set(spectrum["widths"][1]["w2"]) == {"value", "low", "high", "noise_floor", "sample_floor"}
    assert spectrum["widths"][0]["w2"]["value"] is None
    assert spectrum["limit"] == "exact"


def test_the_summary_counts_each_readout_by_the_metric_of_all_its_distance(mixed: Reduced) -> None:
    assert "rms slopes: 1 as expected; w2 slopes: 1 as expected; limits: 2" in summary_line(*mixed)
    assert "rms" not in summary_line(*law_run(array=False))


def test_what_is_zero_has_no_error() -> None:
    curves, verdicts = law_run()
    zero = verdicts.assign({name: 0.0 * verdicts[name].fillna(0.0) for name in ("width_bias", "trial_noise")})
    assert "errors at the largest width: none" in printed((curves, zero))


def test_below_the_curve_of_a_law_stands_its_density(mixed: Reduced) -> None:
    top, bottom = panels(*mixed)
    assert [panel.title for panel in top if panel] == ["moment", "spectrum"]
    assert bottom[0] is None
    assert isinstance(bottom[1], LawPanel)
    assert [density.label for density in bottom[1].densities] == ["n = 64", "n = 256", "limit"]
    top, bottom = panels(*law_run(points=3))
    assert [panel.title for panel in (*top, *bottom) if panel] == [
        "moment, rms",
        "spectrum, w2",
        "moment, bias",
        "spectrum, density",
    ]
    assert isinstance(bottom[1], LawPanel)
    assert len(bottom[1].densities) == 6


def test_a_curve_is_drawn_where_it_is(mixed: Reduced) -> None:
    panel = panels(*mixed)[0][1]
    assert isinstance(panel, Panel)
    (series,) = panel.series
    assert panel.widths.tolist() == WIDTHS
    assert series.widths.tolist() == [64, 128, 256]
    assert series.used.all()
    assert np.isfinite(series.sample_floor).all()


def law(quantiles: np.ndarray) -> Law:
    return Law(label="", colour=0, filled=False, quantiles=quantiles)


def test_densities_have_area_one_and_share_their_bins() -> None:
    uniform = (np.arange(50) + 0.5) / 50
    atoms = np.repeat([0.0, 3.0], 25)
    flat, spikes = densities([law(uniform), law(np.append(atoms, np.nan))])
    assert np.array_equal(flat.edges, spikes.edges)
    for density in (flat, spikes):
        assert (density.heights * np.diff(density.edges)).sum() == pytest.approx(1.0)
    masses = spikes.heights * np.diff(spikes.edges)
    assert masses[0] == pytest.approx(0.49, abs=0.011)
    inside = (flat.edges[:-1] > 0) & (flat.edges[1:] < 1)
    np.testing.assert_allclose(flat.heights[inside], 1.0)


@pytest.mark.parametrize("cells", [[2.0], [2.0, 2.0, 2.0], [0.0, 1.0]])
def test_few_cells_have_a_density(cells: list[float]) -> None:
    (density,) = densities([law(np.array(cells))])
    assert (density.heights * np.diff(density.edges)).sum() == pytest.approx(1.0)
    assert all(low < high for low, high in itertools.pairwise(density.edges))


def test_what_is_unknown_has_no_density() -> None:
    assert densities([law(np.full(5, np.nan))]) == ()
