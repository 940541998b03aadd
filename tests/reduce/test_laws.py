"""Laws: w2 takes the place of the other metrics, with the same statistics."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import CELLS, EXPECTED, SPREAD, synthetic, synthetic_law, tree_of

from widthwise.reduce import reduce
from widthwise.reduce.curve import curve
from widthwise.reduce.estimates import METRICS, estimates
from widthwise.reduce.power_law import power_law
from widthwise.reduce.samples import Samples
from widthwise.theory import wasserstein2

WIDTHS = [64, 256, 1024, 4096]
W2 = METRICS.index("w2")
RUNS = 400
# 0.95 -+ 4 standard errors of a share of 400 runs: at exactly 95 % coverage a false alarm in 1 of 16,000.
LEAST, MOST = 0.906, 0.994


def reduced(samples: Samples) -> tuple[xr.Dataset, xr.Dataset]:
    return reduce(tree_of(samples), tolerance=0.01, confidence=0.95, expected=EXPECTED)


def law_run(**options: object) -> Samples:
    return synthetic_law(np.random.default_rng(3), **({"widths": WIDTHS, "counts": [16] * 4} | options))


@pytest.mark.parametrize("scale", [None, 2.5])
def test_w2_is_the_root_mean_square_distance_of_the_laws(scale: float | None) -> None:
    samples = law_run(scale=scale)
    curves, _ = reduced(samples)
    assert samples.exact is not None
    limit = samples.exact.reshape(-1, CELLS)
    for index, rows in enumerate(samples.trials):
        distances = wasserstein2(rows.reshape(-1, 2, CELLS), limit)
        truth = np.sqrt(np.square(distances).mean()) / (scale or np.sqrt(np.square(limit).mean()))
        assert curves["value"].sel(readout="kernel", metric="w2").isel(width=index).item() == pytest.approx(truth)


def test_a_law_has_w2_and_no_other_metric_and_an_array_the_others() -> None:
    for samples, own in (
        (law_run(), {"w2"}),
        (synthetic(np.random.default_rng(0), widths=WIDTHS, counts=[16] * 4), None),
    ):
        curves, verdicts = reduced(samples)
        own = own or {"rms", "bias", "std"}
        for metric in METRICS:
            at = curves.sel(readout="kernel", metric=metric)
            for name in ("value", "low", "high", "noise_floor", "expected_slope"):
                assert at[name].notnull().all() == (metric in own), (metric, name)
            if metric not in own:
                assert at["slope"].isnull()
                assert verdicts["consistent"].sel(metric=metric).item() == -1
        assert curves["sample_floor"].sel(metric="w2").notnull().all() == (own == {"w2"})
        assert curves["sample_floor"].sel(metric="rms").isnull().all()


@pytest.mark.parametrize("limit", ["exact", "sampled"])
def test_slope_and_value_of_w2_are_covered_in_95_of_100_runs(limit: str) -> None:
    options = {"replicates": 8, "limit_error": 4e-3} if limit == "sampled" else {}
    random = np.random.default_rng(0)
    truth = np.sqrt(SPREAD**2 / np.array(WIDTHS) + (1 / np.array(WIDTHS)) ** 2)
    slopes, values = [], []
    for _ in range(RUNS):
        found = estimates(synthetic_law(random, widths=WIDTHS, counts=[16] * 4, bias=1.0, **options))
        distances = curve(found, 0.95)
        law = power_law(found, distances, W2, 0.95)
        slopes.append(law.slope_low <= -0.5 <= law.slope_high)
        values.append((distances.low[W2] <= truth) & (truth <= distances.high[W2]))
    assert LEAST <= np.mean(slopes) <= MOST
    # Of four widths, which share the limit, the worst: 0.95 - 4.5 standard errors.
    assert np.mean(values, axis=0).min() >= 0.90


def test_w2_is_in_everything_the_rms_of_the_quantile_function() -> None:
    samples = law_run(replicates=8, limit_error=0.1)
    (law, judged), (array, also) = reduced(samples), reduced(replace(samples, cells=0))
    one, two = law.sel(readout="kernel", metric="w2"), array.sel(readout="kernel", metric="rms")
    for name in ("value", "low", "high", "noise_floor", "slope", "slope_low", "slope_high", "prefactor"):
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
        assert one[name].notnull().all(), name
    for name in ("extrapolated", "extrapolated_high", "trial_noise", "limit_noise", "arithmetic"):
        np.testing.assert_array_equal(judged[name], also[name], err_msg=name)


def test_w2_is_freed_from_the_error_of_the_limit() -> None:
    random = np.random.default_rng(5)
    squares = []
    for _ in range(200):
        found = estimates(synthetic_law(random, widths=[4096], counts=[16], replicates=8, limit_error=0.05))
        squares.append(found.squares[W2, 0])
    # 4 standard errors: a false alarm in 1 of 16,000 seeds.
    assert abs(np.mean(squares) - SPREAD**2 / 4096) <= 4 * np.std(squares) / np.sqrt(200)
    assert 4 * np.std(squares) / np.sqrt(200) < 0.05**2 / 8


def test_the_limit_of_a_law_is_confirmed_and_another_refuted() -> None:
    samples = law_run(counts=[256] * 4)
    assert samples.exact is not None
    assert reduced(samples)[1]["equivalent"].item() == 1
    other = Samples(
        widths=samples.widths,
        trials=samples.trials,
        limit=samples.limit,
        exact=samples.exact * 1.1,
        arithmetic=None,
        cells=CELLS,
    )
    _, verdicts = reduced(other)
    assert verdicts["equivalent"].item() == 0
    assert verdicts["extrapolated"].item() == pytest.approx(0.1 / 1.1, rel=0.1)


def test_rigid_laws_below_the_distance_of_independent_samples_have_a_slope() -> None:
    random = np.random.default_rng(1)
    samples = law_run()
    assert samples.exact is not None
    rigid = tuple(samples.exact + 0.1 * random.standard_normal((16, 2 * CELLS)) / width for width in samples.widths)
    curves, _ = reduced(
        Samples(
            widths=samples.widths, trials=rigid, limit=samples.limit, exact=samples.exact, arithmetic=None, cells=CELLS
        )
    )
    w2 = curves.sel(readout="kernel", metric="w2")
    assert (w2["value"] < w2["sample_floor"]).all()
    assert abs(w2["slope"].item() + 1.0) < 0.15


def test_quantiles_hold_the_limit_and_both_ends() -> None:
    samples = law_run()
    shown = reduced(samples)[0]["quantiles"].sel(readout="kernel")
    assert samples.exact is not None
    coarse = shown.sel(law="limit").to_numpy().reshape(CELLS, -1).mean(axis=1)
    np.testing.assert_allclose(coarse, samples.exact[:CELLS], rtol=0, atol=1e-12)
    for law, rows in (("narrowest", samples.trials[0]), ("widest", samples.trials[-1])):
        own = shown.sel(law=law).to_numpy()
        assert (np.diff(own) >= 0).all()
        assert own.mean() == pytest.approx(rows[:, :CELLS].mean(), abs=1e-12)
    assert "quantiles" not in reduced(synthetic(np.random.default_rng(0), widths=WIDTHS, counts=[4] * 4))[0]
