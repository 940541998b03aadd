"""A tiny store of every schema version there was must still open, and hold what it held."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.report import summary_line
from widthwise.store import check_run, tree_hash

HASHES = {"schema1.run": "9343b1e94c5b472f094de245cc985717acf42179d6363bd7ede13736965da238"}


@pytest.mark.parametrize("name", sorted(path.name for path in Path(__file__).parent.glob("*.run")))
def test_a_store_of_every_schema_opens(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    shutil.copytree(Path(__file__).parent / name, path)
    assert tree_hash(path) == HASHES[name]
    assert check_run(path) == []

    results = widthwise.open(path)
    trials, exact = results["trials"]["ntk"], results["exact"]["ntk"]
    assert dict(trials.sizes) == {"model.activation": 2, "width": 2, "trial": 16, "input": 2, "input_": 2}
    # Means over 16 trials at width 32, within 5 of their standard errors of the limit.
    widest = trials.isel(width=-1)
    assert (np.abs(widest.mean("trial") - exact) < 5 * widest.std("trial", ddof=1) / 4).all()

    curves, verdicts = widthwise.reduce(path)
    stored = results["curves"]["value"]
    np.testing.assert_allclose(curves["value"].sel(metric=stored["metric"]), stored, rtol=1e-12)
    assert curves["value"].sel(metric="w2").isnull().all()
    assert summary_line(curves, verdicts).startswith("widths 8 to 32")
