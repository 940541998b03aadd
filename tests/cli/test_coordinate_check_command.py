"""The coordinate check as a command: forecast, verdict as exit code, figure, reduction again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]

SPEC = """
experiment = "coordinate_check"
[model]
depth = 1
[data]
source = "gaussian"
count = 2
features = 3
[training]
steps = 1
outputs = 4
[sweep]
width = [32, 128, 512]
trials = 24
"parametrization.preset" = ["mup", "sp"]
"""


def test_from_forecast_to_verdict(call: Call, tmp_path: Path) -> None:
    """Nothing is planned of a limit; a slope that is not as predicted is exit 6, and the figure is drawn of both."""
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, _ = call("run", "spec.toml", "--dry-run", "--json")
    assert (code, {row["kind"] for row in json.loads(out)["rows"]}) == (0, {"trials", "exact", "arithmetic"})
    code, out, _ = call("run", "spec.toml", "--address", "inline")
    assert code == 0
    assert "preset = sp, sizes by width" in out
    assert (tmp_path / "spec.run/figures/convergence.png").read_bytes().startswith(b"\x89PNG")
    assert call("show", "spec.run", "--check")[0] == 0
    code, out, _ = call("show", "spec.run", "--json")
    results = json.loads(out)["results"]
    slopes = {(each["point"]["parametrization.preset"], each["readout"]): each["slopes"] for each in results}
    assert slopes["sp", "function_first"]["rms"]["expected"] == 1.0
    assert slopes["mup", "function_first"]["rms"]["consistent"] is True
    assert call("reduce", "spec.run")[0] == call("check", "spec.run")[0] == 0
    assert call("plot", "spec.run", "-o", "again.png")[0] == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "spec.run/figures/convergence.png").read_bytes()
    _, _, err = call("run", "spec.toml", "--address", "inline")
    assert "0 blocks computed" in err
    code, _, err = call("run", "spec.toml", "--address", "inline", "--trials", "32", "--extend")
    assert code == 0
    assert "6 blocks computed" in err


def test_a_slope_that_is_not_as_predicted_is_an_exit_code(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who predicts that the function moves by n under maximal update is refuted."""
    from widthwise.experiments import coordinate_check

    honest = coordinate_check.powers
    monkeypatch.setattr(coordinate_check, "powers", lambda *given: {**honest(*given), "function_first": 1.0})
    (tmp_path / "spec.toml").write_text(SPEC)
    assert call("run", "spec.toml", "--address", "inline")[0] == 0
    code, out, err = call("show", "spec.run", "--check")
    assert code == 6
    assert "1 outside" in out
    assert "verdicts that fail: 1 of the slope" in err


def test_points_with_other_parameters_do_not_fit_into_one_run(call: Call, tmp_path: Path) -> None:
    """Tied and untied recurrent nets have different numbers of matrices."""
    (tmp_path / "spec.toml").write_text(SPEC.replace("depth = 1", 'name = "rnn"\nsteps = 3'))
    code, _, err = call("run", "spec.toml", "--set", 'sweep."model.tied"=[true, false]', "--dry-run")
    assert code == 2
    assert "sweep: its points have different readouts" in err
