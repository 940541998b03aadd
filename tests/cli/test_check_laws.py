"""``show --check`` judges a law by w2 as it judges an array by rms."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from widthwise.reduce import reduce
from widthwise.report import pipeline
from widthwise_cli import results

Call = Callable[..., tuple[int, str, str]]
CELLS = 16


def law_run(expected: float) -> tuple[xr.Dataset, xr.Dataset]:
    widths = np.array([64, 256, 1024, 4096])
    law = np.linspace(-1, 1, CELLS)
    stretched = 1 + np.random.default_rng(0).standard_normal((4, 32, 1)) / np.sqrt(widths)[:, None, None]
    trials = xr.Dataset(
        {
            "spectrum": (("width", "trial", "cell"), law * stretched, {"law": "even"}),
            "trial_count": (("width",), np.full(4, 32)),
        },
        {"width": widths},
    )
    tree = xr.DataTree.from_dict({"trials": trials, "exact": xr.Dataset({"spectrum": (("cell",), law)})})
    return reduce(tree, tolerance=0.2, confidence=0.95, expected={"spectrum": {"w2": expected}})


@pytest.mark.parametrize(("expected", "code"), [(-0.5, 0), (-1.0, 6)])
def test_a_refuted_slope_of_w2_fails(call: Call, monkeypatch: pytest.MonkeyPatch, expected: float, code: int) -> None:
    monkeypatch.setattr(pipeline, "curves_of", lambda _: law_run(expected))
    monkeypatch.setattr(results, "findings_of", lambda run, curves: None)
    found, out, err = call("show", "laws.run", "--check")
    assert found == code
    assert "w2 slopes: 1 " in out
    assert ("verdicts that fail: 1 of the slope" in err) == (code == 6)
