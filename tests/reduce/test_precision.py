"""Precision says what `reduce` says, and how its intervals shrink."""

import numpy as np
import pytest
from adaptive_runs import Draws, Synthetic
from synthetic_runs import EXPECTED, synthetic, synthetic_law, tree_of

from widthwise.reduce import reduce
from widthwise.reduce.precision import precisions
from widthwise.reduce.samples import Samples

WIDTHS = (64, 256, 1024)
RANDOM = np.random.default_rng(0)
RUNS = {
    "exact": synthetic(RANDOM, widths=WIDTHS, counts=[8, 16, 3]),
    "sampled": synthetic(RANDOM, widths=WIDTHS, counts=[8, 16, 3], replicates=4, limit_error=0.05),
    "unresolved": synthetic(RANDOM, widths=WIDTHS, counts=[8, 8, 8], replicates=4, limit_error=0.5),
    "one trial": synthetic(RANDOM, widths=WIDTHS, counts=[8, 8, 1]),
    "no trial": synthetic(RANDOM, widths=WIDTHS, counts=[0, 8, 8]),
    "law": synthetic_law(RANDOM, widths=WIDTHS, counts=[8, 16, 3], replicates=4, limit_error=0.01),
}


@pytest.mark.parametrize("name", RUNS)
def test_half_widths_are_those_of_the_stored_curves(name: str) -> None:
    run: Samples = RUNS[name]
    tree = tree_of(run, axes={"model.depth": [1, 2]})
    curves, _ = reduce(tree, tolerance=0.01, confidence=0.95, expected=EXPECTED)
    at = curves.sel(metric="w2" if run.cells else "rms", readout="kernel")
    for point, found in enumerate(precisions(tree, 0.95, EXPECTED)):
        assert (found.point, found.readout, found.widths) == (point, "kernel", WIDTHS)
        stored = (at["high"] - at["low"]).isel({"model.depth": point}).to_numpy() / 2
        np.testing.assert_allclose(found.half_width, stored, rtol=1e-12)


@pytest.mark.parametrize("name", ["exact", "sampled", "unresolved", "law"])
def test_variances_of_a_half_width_allow_that_half_width(name: str) -> None:
    (found,) = precisions(tree_of(RUNS[name]), 0.95, EXPECTED)
    for column, half_width in enumerate(found.half_width):
        variance = (found.by_trials + found.by_limit)[column]
        assert found.allowed(half_width)[column] == pytest.approx(variance, rel=1e-9)


def test_a_closed_form_makes_no_part_of_an_interval() -> None:
    (exact,) = precisions(tree_of(RUNS["exact"]), 0.95, EXPECTED)
    assert exact.replicates == 0
    assert not exact.by_limit.any()


def test_four_times_the_trials_halve_the_interval() -> None:
    readout = Synthetic(widths=WIDTHS)
    draws = Draws(readout, np.random.default_rng(1))
    few, many = (draws.precision({(0, width): count for width in WIDTHS}) for count in (256, 1024))
    # Variances of the logarithm are known to a few per cent each.
    np.testing.assert_allclose(many.half_width / few.half_width, 0.5, rtol=0.15)
