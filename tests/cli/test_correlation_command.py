"""What the command says of spectra and accuracies."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

SPEC = """
experiment = "spectrum_vs_accuracy"
[data]
source = "file"
path = "flowers.csv"
[options]
depth = 2
epochs = 1
[sweep]
width = [6]
trials = 4
[numerics]
microbatch = 2
"""

Call = Callable[..., tuple[int, str, str]]


def test_correlations_are_shown_and_plotted_and_judge_nothing(call: Call, tmp_path: Path) -> None:
    """Features and a label in the last column; four architectures say too little of eleven levels together."""
    inputs = np.random.default_rng(0).standard_normal((20, 5))
    np.savetxt(tmp_path / "flowers.csv", np.column_stack([inputs, inputs[:, 0] > 0]), delimiter=",")
    (tmp_path / "spec.toml").write_text(SPEC)
    code, out, err = call("run", "spec.toml", "--out", "c.run", "--address", "inline")
    assert code == 0
    assert "4 architectures, 95 % intervals" in out
    assert "too few architectures for all levels together" in out
    assert "figure  c.run/figures/convergence.png" in err
    code, out, _ = call("show", "c.run", "--json", "--check")
    (result,) = json.loads(out)["results"]
    assert (code, result["width"], result["trials"], result["R"]["raw"]) == (0, 6, 4, None)
    assert len(result["levels"]) == 11
    assert call("plot", "c.run", "-o", "c.svg")[:2] == (0, "c.svg\n")
