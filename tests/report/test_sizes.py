"""Sizes: the norm of a readout against the width, where its distance from 0 is the question."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from widthwise.reduce import reduce
from widthwise.report import figure
from widthwise.report.panels import panels
from widthwise.report.sizes import SizePanel

WIDTHS, TRIALS, REPLICATES = [16, 64, 256], 40, 4
LIMITS = (0.0, 0.5)
"""Of two sweep points: one readout that vanishes, one that does not; each entry of its 2 x 2."""


def raw(*, exact: bool = True, trials: int = TRIALS, attributes: dict[str, object] | None = None) -> xr.DataTree:
    """A readout ``shift`` of two inputs, noise of deviation n^-1/2 around its limit, and a plain ``nngp``."""
    random = np.random.default_rng(0)
    deviations = np.array(WIDTHS).reshape(1, -1, 1, 1, 1) ** -0.5
    limits = np.array(LIMITS)[:, None, None] * np.ones((2, 2))
    attributes = {"profile": "width", "scale": 1.0} if attributes is None else attributes
    shift = limits[:, None, None] + deviations * random.standard_normal((2, len(WIDTHS), TRIALS, 2, 2))
    plain = 1 + 0.1 * random.standard_normal((2, len(WIDTHS), TRIALS, 1))
    dims = ("model.law", "width", "trial")
    groups = {
        "trials": {
            "shift": ((*dims, "input", "input_"), shift, attributes),
            "nngp": ((*dims, "one"), plain),
            "trial_count": (("model.law", "width"), np.full((2, len(WIDTHS)), trials)),
        },
        "limit": {
            "shift": (("model.law", "replicate", "input", "input_"), np.repeat(limits[:, None], REPLICATES, 1)),
            "nngp": (("model.law", "replicate", "one"), np.ones((2, REPLICATES, 1))),
        },
    }
    if exact:
        groups["exact"] = {"shift": (("model.law", "input", "input_"), limits)}
    datasets = {name: xr.Dataset(variables, {"model.law": ["a", "b"]}) for name, variables in groups.items()}
    datasets["trials"] = datasets["trials"].assign_coords(width=WIDTHS)
    return xr.DataTree.from_dict(datasets)


def reduced(tree: xr.DataTree) -> tuple[xr.Dataset, xr.Dataset]:
    slopes = {"rms": -0.5, "bias": -1.0, "std": -0.5}
    return reduce(tree, tolerance=0.1, confidence=0.95, expected={"shift": slopes, "nngp": slopes})


def panel_of(tree: xr.DataTree) -> SizePanel:
    (found,) = (panel for row in panels(*reduced(tree)) for panel in row if isinstance(panel, SizePanel))
    return found


@pytest.mark.parametrize("exact", [True, False])
def test_a_size_is_the_root_mean_square_norm_over_trials_with_its_error(exact: bool) -> None:
    """Four entries of variance 1/n each and the square of the limit; an error that simulation confirms to a fifth."""
    curves = reduced(raw(exact=exact))[0].sel(readout="shift")
    for point, limit in enumerate(LIMITS):
        at = curves.isel({"model.law": point})
        truth = np.sqrt(4 / np.array(WIDTHS) + 4 * limit**2)
        assert float(at["limit_size"]) == pytest.approx(2 * limit)
        # 5 standard errors of 40 trials: a false alarm in 1 of 25,000 for the six numbers.
        assert (np.abs(at["size"] - truth) < 5 * at["size_error"]).all()
        squares = 8 / np.array(WIDTHS) ** 2 + 16 * limit**2 / np.array(WIDTHS)
        np.testing.assert_allclose(at["size_error"], np.sqrt(squares / TRIALS) / (2 * truth), rtol=0.5)


def test_only_readouts_that_ask_for_it_have_a_size() -> None:
    curves = reduced(raw())[0]
    assert curves["size"].sel(readout="nngp").isnull().all()
    assert "size" not in reduced(raw(attributes={}))[0]
    assert "profile" not in curves


def test_the_panel_stands_below_the_curves_of_its_readout() -> None:
    rows = panels(*reduced(raw()))
    assert isinstance(rows[-1][0], SizePanel)
    assert rows[-1][1] is None
    panel = rows[-1][0]
    assert panel.widths.tolist() == WIDTHS
    assert [size.label for size in panel.sizes] == ["law = a", "law = b"]
    assert [size.limit for size in panel.sizes] == pytest.approx([0.0, 1.0])


def test_nothing_computed_is_nothing_drawn(tmp_path: Path) -> None:
    for trials in (0, 1):
        run = reduced(raw(trials=trials))
        figure(*run, tmp_path / f"{trials}.png")
        assert (tmp_path / f"{trials}.png").stat().st_size > 0
    assert not any(isinstance(panel, SizePanel) for row in panels(*reduced(raw(trials=0))) for panel in row)


def test_equal_curves_give_equal_bytes(tmp_path: Path) -> None:
    run = reduced(raw())
    for name in ("a.png", "b.png"):
        figure(*run, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert panel_of(raw()).title == "shift, size"
