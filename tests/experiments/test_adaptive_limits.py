"""Adaptive limits: the defaults of the paper, and outputs at finite width approach both limits."""

from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.errors import SpecError
from widthwise.report.pipeline import curves_of, draw, drawings

SMALL = {
    "experiment": "adaptive_limits",
    "data": {"count": 6, "features": 3},
    "training": {"train": 4, "steps": 4},
    "sweep": {"width": [32, 128, 512], "trials": 12, "parametrization.preset": ["ntp", "mup"]},
    "limit": {"samples": 1024, "replicates": 4},
    "numerics": {"microbatch": 4},
}


def test_by_default_it_is_the_experiment_of_the_paper() -> None:
    spec = widthwise.Spec(experiment="adaptive_limits")
    assert (spec.model.name, spec.model.activation, spec.optimizer.name) == ("mlp", "relu", "adam")
    assert (spec.data.source, spec.training.train, spec.training.targets) == ("gaussian", 100, "random")
    assert (spec.training.outputs, spec.training.loss, spec.training.centred) == (1, "squared", True)
    assert spec.data.count is not None
    assert spec.data.count > 100


def test_there_is_no_limit_of_standard_parametrization() -> None:
    spec = {**SMALL, "sweep": {"width": [32], "trials": 2}, "parametrization": {"preset": "sp"}}
    with pytest.raises(SpecError, match="has no limit"):
        widthwise.run(spec, "never.run", address="inline")


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return widthwise.run(SMALL, tmp_path_factory.mktemp("adaptive") / "small.run", address="inline")


def test_outputs_approach_both_limits_which_differ(small_run: Path) -> None:
    """Slope -1/2 of rms inside its 95 % interval, and four times the width at less than 0.7 of the distance."""
    results = widthwise.open(small_run)
    output = results["curves"].sel(readout="output", metric="rms")
    assert (output["slope_low"] < -0.5).all()
    assert (output["slope_high"] > -0.5).all()
    value = output["value"].to_numpy()
    assert (value[:, 1:] < 0.7 * value[:, :-1]).all()
    ntp, mup = results["limit"]["output"].mean("replicate").to_numpy()
    spread = results["limit"]["output"].std("replicate").to_numpy().max()
    assert np.abs(ntp - mup).max() > 5 * spread / 2
    assert (results["limit"]["output"].isel(step=0) == 0).all()


def test_both_figures_are_drawn(small_run: Path, tmp_path: Path) -> None:
    places = draw(small_run, curves_of(small_run))
    assert places == drawings(small_run)
    assert [place.name for place in places] == ["convergence.png", "trajectories.png"]
    others = draw(small_run, curves_of(small_run), tmp_path / "curves.svg")
    assert [place.name for place in others] == ["curves.svg", "curves_trajectories.svg"]
    assert all(place.stat().st_size > 10_000 for place in (*places, *others))
