"""A readout that does not exist at some widths, or has no sampled limit, is empty there and whole elsewhere."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import EXPECTED, synthetic, synthetic_law, tree_of

from widthwise.reduce import reduce

WIDTHS = [64, 256, 1024, 4096, 16384]


def both() -> xr.DataTree:
    """A law ``spectrum`` beside the array ``kernel``, both with an exact limit and four replicates of a sampled one."""
    random = np.random.default_rng(0)
    kernel = tree_of(synthetic(random, widths=WIDTHS, counts=[16] * 5))
    law = tree_of(synthetic_law(random, widths=WIDTHS, counts=[16] * 5))
    limits = {"kernel": random.standard_normal((4, 4)), "spectrum": np.full((4, 2, 16), np.nan)}
    groups = {
        name: kernel[name].to_dataset().assign(spectrum=law[name]["kernel"])
        for name in ("trials", "exact", "arithmetic")
    }
    groups["limit"] = xr.Dataset(
        {
            "kernel": (("replicate", "input"), limits["kernel"]),
            "spectrum": (("replicate", "vector", "cell"), limits["spectrum"]),
        }
    )
    return xr.DataTree.from_dict(groups)


def without(tree: xr.DataTree, widths: list[int]) -> xr.DataTree:
    groups = {name: tree[name].to_dataset() for name in tree.children}
    trials = groups["trials"]
    spectrum = trials["spectrum"].where(~trials["width"].isin(widths))
    return xr.DataTree.from_dict(groups | {"trials": trials.assign(spectrum=spectrum)})


def reduced(tree: xr.DataTree) -> tuple[xr.Dataset, xr.Dataset]:
    expected = EXPECTED | {"spectrum": EXPECTED["kernel"]}
    return reduce(tree, tolerance=0.05, confidence=0.95, expected=expected)


@pytest.mark.parametrize("missing", [[64], [1024], [16384], [64, 1024], [4096, 16384], WIDTHS])
def test_a_missing_width_is_empty_and_the_rest_as_if_it_had_not_been_asked_for(missing: list[int]) -> None:
    tree = both()
    curves, verdicts = reduced(without(tree, missing))
    whole = reduced(tree)
    for one, two in zip((curves, verdicts), whole, strict=True):
        xr.testing.assert_identical(
            one.sel(readout="kernel").drop_vars("quantiles", errors="ignore"),
            two.sel(readout="kernel").drop_vars("quantiles", errors="ignore"),
        )
    spectrum = curves.sel(readout="spectrum", metric="w2")
    for name in ("value", "low", "high", "noise_floor"):
        assert spectrum[name].sel(width=missing).isnull().all(), name
    assert (spectrum["trials"].sel(width=missing) == 0).all()
    left = [width for width in WIDTHS if width not in missing]
    assert np.isfinite(spectrum["slope"].item()) == (len(left) >= 2)
    if not left:
        return
    trials = tree["trials"].to_dataset()
    groups = {name: tree[name].to_dataset() for name in tree.children} | {"trials": trials.sel(width=left)}
    alone, judged = reduced(xr.DataTree.from_dict(groups))
    same = curves.sel(width=left).sel(readout="spectrum", drop=True)
    xr.testing.assert_identical(same, alone.sel(readout="spectrum", drop=True))
    xr.testing.assert_identical(verdicts.sel(readout="spectrum"), judged.sel(readout="spectrum"))


def test_a_sampled_limit_that_is_nowhere_leaves_the_closed_form() -> None:
    curves, verdicts = reduced(both())
    assert curves["replicates"].to_numpy().tolist() == [4, 0]
    assert curves["reference"].to_numpy().tolist() == [1, 1]
    assert verdicts["limit_error"].isnull().to_numpy().tolist() == [False, True]
    assert verdicts["consistent"].sel(readout="spectrum", metric="w2").item() == 1


def test_without_any_limit_of_one_readout_nothing_is_said_of_it() -> None:
    tree = both()
    groups = {name: tree[name].to_dataset() for name in tree.children}
    exact = groups["exact"].assign(spectrum=groups["exact"]["spectrum"] * np.nan)
    curves, verdicts = reduced(xr.DataTree.from_dict(groups | {"exact": exact}))
    at = curves.sel(readout="spectrum")
    for name in ("value", "low", "high", "noise_floor", "sample_floor", "slope"):
        assert at[name].isnull().all(), name
    assert verdicts["equivalent"].sel(readout="spectrum").item() == -1
    assert curves["slope"].sel(readout="kernel", metric="rms").notnull()
