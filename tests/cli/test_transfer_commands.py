"""What the command says of learning rates, and when it fails."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

SPEC = """
experiment = "lr_transfer"
[model]
depth = 1
[data]
count = 2
[training]
steps = 2
[sweep]
width = [8, 16, 32]
trials = 2
"optimizer.learning_rate" = [0.01, 0.1, 1.0, 10.0, 100.0]
[numerics]
microbatch = 2
"""

Call = Callable[..., tuple[int, str, str]]


def test_best_learning_rates_are_shown_plotted_and_judged(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, err = call("run", "spec.toml", "--out", "lr.run", "--address", "inline")
    assert code == 0
    assert "best learning rate by width" in out
    assert "figure  lr.run/figures/convergence.png" in err
    code, out, _ = call("show", "lr.run", "--json")
    (point,) = json.loads(out)["results"]
    assert (code, [width["width"] for width in point["widths"]]) == (0, [8, 16, 32])
    assert call("plot", "lr.run", "-o", "lr.svg")[:2] == (0, "lr.svg\n")
    monkeypatch.setattr("widthwise.report.transfer._stays", lambda drift: "yes")
    assert call("show", "lr.run", "--check")[0] == 0
    monkeypatch.setattr("widthwise.report.transfer._stays", lambda drift: "no")
    code, _, err = call("show", "lr.run", "--check")
    assert code == 6
    assert "1 of the learning rates" in err
