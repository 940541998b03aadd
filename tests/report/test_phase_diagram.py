"""The phase diagram: what is measured over both variances, beside the critical line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import widthwise
from widthwise.errors import SpecError
from widthwise.report.phase_diagram import BIAS, WEIGHT, edges, has_phase_diagram, phase_diagram
from widthwise.report.phase_drawing import draw_phase_diagram
from widthwise.report.pipeline import curves_of, draw
from widthwise.store import open_run

WEIGHTS, BIASES, WIDTHS, TRIALS, STATES = [3.0, 1.0, 2.0, 4.0], [0.0, 0.3, 0.1], [16, 64], 4, 5

SMALL = {
    "experiment": "signal_propagation",
    "model": {"depth": 3},
    "data": {"source": "gaussian", "count": 2, "features": 3},
    "sweep": {"width": [8, 16], "trials": 4, WEIGHT: [1.0, 2.0, 3.0], BIAS: [0.0, 0.1, 0.2]},
    "limit": {"samples": 64, "replicates": 2},
}


def trials() -> xr.Dataset:
    """Correlation ``bias + weight / 10`` of two inputs out of three, growth ``weight / 2``; rows not in order."""
    weight, bias = np.array(WEIGHTS)[:, None], np.array(BIASES)
    correlation = np.broadcast_to(
        (bias + weight / 10)[..., None, None, None, None, None], (4, 3, 2, TRIALS, STATES, 3, 3)
    )
    sizes = np.array([1.0, 2.0, 0.5])
    covariance = np.where(np.eye(3), 1.0, correlation) * np.outer(sizes, sizes)
    growth = (weight / 2)[..., None, None] ** -np.arange(STATES)[None, None, None]
    gradient = np.broadcast_to(growth[:, :, :, None, :, None, None] * np.eye(3), covariance.shape)
    dims = (WEIGHT, BIAS, "width", "trial", "state", "input", "input_")
    return xr.Dataset(
        {
            "covariance": (dims, covariance.copy()),
            "gradient": (dims, gradient.copy()),
            "trial_count": (dims[:3], np.full((4, 3, 2), TRIALS)),
        },
        {WEIGHT: WEIGHTS, BIAS: BIASES, "width": WIDTHS},
    )


def test_correlation_and_growth_stand_where_their_variances_do() -> None:
    diagram = phase_diagram("erf", trials())
    weight, bias = np.meshgrid(sorted(WEIGHTS), sorted(BIASES))
    np.testing.assert_array_equal(diagram.weight_variances, sorted(WEIGHTS))
    np.testing.assert_array_equal(diagram.bias_variances, sorted(BIASES))
    np.testing.assert_allclose(diagram.correlation, bias + weight / 10)
    np.testing.assert_allclose(diagram.growth, weight / 2)
    assert (diagram.width, diagram.depth) == (64, STATES)


def test_only_trials_that_are_done_count() -> None:
    found = trials()
    found["trial_count"][0, 0] = [4, 2]
    found["trial_count"][1, 0] = [4, 0]
    for name in ("covariance", "gradient"):
        found[name][0, 0, 1, 2:] = np.nan
        found[name][1, 0, 1] = np.nan
    diagram, whole = phase_diagram("erf", found), phase_diagram("erf", trials())
    unknown = np.isnan(diagram.growth)
    assert np.argwhere(unknown).tolist() == [[0, 0]]
    np.testing.assert_allclose(diagram.growth[~unknown], whole.growth[~unknown])
    np.testing.assert_allclose(diagram.correlation[~unknown], whole.correlation[~unknown])


def test_the_line_is_critical_and_reaches_the_edges() -> None:
    biases, weights = phase_diagram("relu", trials()).line.T
    np.testing.assert_allclose(weights, 2.0)
    assert (biases[0], biases[-1]) == (0.0, pytest.approx(edges(np.sort(BIASES))[-1]))
    assert phase_diagram("of somebody", trials()).line.shape == (0, 2)


@pytest.mark.parametrize("name", ["erf", "relu", "step", "of somebody"])
@pytest.mark.parametrize("known", [True, False])
def test_every_diagram_is_drawn_and_equal_ones_give_equal_bytes(name: str, known: bool, tmp_path: Path) -> None:
    diagram = phase_diagram(name, trials())
    if not known:
        diagram = replace(diagram, correlation=np.nan * diagram.correlation, growth=np.nan * diagram.growth)
    for file in ("one.png", "two.png"):
        draw_phase_diagram(diagram, tmp_path / file)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with pytest.raises(SpecError, match=r"curves.bmp"):
        draw_phase_diagram(diagram, tmp_path / "curves.bmp")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return widthwise.run(SMALL, tmp_path_factory.mktemp("phases") / "swept.run", address="inline")


def test_a_sweep_over_both_variances_is_drawn_as_a_diagram(swept: Path, tmp_path: Path) -> None:
    assert has_phase_diagram(open_run(swept))
    draw(swept, curves_of(swept), tmp_path / "one.png")
    trials = widthwise.open(swept)["trials"].to_dataset()
    draw_phase_diagram(phase_diagram("erf", trials), tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_other_runs_are_drawn_as_curves(swept: Path) -> None:
    run = open_run(swept)
    axes, spec = run.layout.axes, run.record.spec
    fewer = replace(run, layout=replace(run.layout, axes=(axes[0], replace(axes[1], values=axes[1].values[:2]))))
    one = replace(run, layout=replace(run.layout, axes=axes[:1]))
    single = replace(run.layout.readouts[0], shape=(3, 1, 1))
    alone = replace(run, layout=replace(run.layout, readouts=(single,)))
    changes = ({"experiment": "ntk"}, {"model": {"name": "resnet"}}, {"model": {"name": "mlp", "ratios": [2.0]}})
    others = [replace(run, record=replace(run.record, spec={**spec, **change})) for change in changes]
    assert not any(has_phase_diagram(each) for each in (fewer, one, alone, *others))
