"""A readout with an absolute scale: everything works where the limit is 0."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import EXPECTED, SIZE, SPREAD, synthetic, tree_of

from widthwise.reduce import reduce
from widthwise.reduce.curve import curve
from widthwise.reduce.estimates import METRICS, estimates
from widthwise.reduce.power_law import power_law
from widthwise.reduce.samples import Samples

WIDTHS = [64, 256, 1024, 4096]
SCALE = 0.5
RMS = METRICS.index("rms")


def zero_limit(random: np.random.Generator, **options: object) -> Samples:
    """The synthetic run with its limit moved to 0; distances are 1 / SCALE times those of the original."""
    samples = synthetic(random, **({"widths": WIDTHS, "counts": [16] * 4} | options))
    shift = np.full(SIZE, SIZE**-0.5)
    return replace(
        samples,
        trials=tuple(rows - shift for rows in samples.trials),
        limit=samples.limit - shift,
        exact=None if samples.exact is None else np.zeros(SIZE),
        scale=SCALE,
    )


def reduced(samples: Samples) -> tuple[xr.Dataset, xr.Dataset]:
    return reduce(tree_of(samples), tolerance=0.05, confidence=0.95, expected=EXPECTED)


@pytest.mark.parametrize("limit", [{}, {"replicates": 8, "limit_error": 2e-3}])
def test_distances_from_zero_are_those_of_the_definition(limit: dict[str, object]) -> None:
    samples = zero_limit(np.random.default_rng(3), counts=[64] * 4, **limit)
    curves, verdicts = reduced(samples)
    at = curves.sel(readout="kernel", metric="rms")
    noise = samples.limit.var(axis=0, ddof=1).sum() / 8 if limit else 0.0
    centre = samples.limit.mean(axis=0) if limit else np.zeros(SIZE)
    for index, rows in enumerate(samples.trials):
        square = np.square(rows - centre).sum(axis=1).mean() - noise
        assert at["value"].isel(width=index).item() == pytest.approx(np.sqrt(square) / SCALE)
    for name in ("value", "low", "high", "noise_floor", "slope"):
        assert at[name].notnull().all(), name
    assert verdicts["consistent"].sel(metric="rms").item() == 1
    assert verdicts["equivalent"].item() == 1
    budget = ("trial_noise", "limit_noise", "arithmetic", "width_bias")
    assert all(np.isfinite(verdicts[term].item()) for term in budget)
    assert verdicts["limit_noise"].item() == pytest.approx(np.sqrt(noise) / SCALE)
    assert verdicts["arithmetic"].item() == pytest.approx(np.sqrt(SIZE) * 1e-7 / SCALE)


@pytest.mark.parametrize("limit", [{}, {"replicates": 8, "limit_error": 2e-3}])
def test_slope_and_value_are_covered_in_95_of_100_runs(limit: dict[str, object]) -> None:
    random = np.random.default_rng(0)
    truth = SPREAD / np.sqrt(np.array(WIDTHS)) / SCALE
    slopes, values = [], []
    for _ in range(400):
        found = estimates(zero_limit(random, **limit))
        distances = curve(found, 0.95)
        law = power_law(found, distances, RMS, 0.95)
        slopes.append(law.slope_low <= -0.5 <= law.slope_high)
        values.append((distances.low[RMS] <= truth) & (truth <= distances.high[RMS]))
    # 0.95 -+ 4 standard errors of a share of 400 runs: at exactly 95 % a false alarm in 1 of 16,000.
    assert 0.906 <= np.mean(slopes) <= 0.994
    assert np.mean(values, axis=0).min() >= 0.90


def test_the_sampled_zero_is_checked_against_the_exact_one() -> None:
    sampled = zero_limit(np.random.default_rng(3), replicates=8, limit_error=0.01)
    _, verdicts = reduced(replace(sampled, exact=np.zeros(SIZE)))
    error = np.sqrt(np.square(sampled.limit.mean(axis=0)).sum())
    assert verdicts["limit_error"].item() == pytest.approx(error / SCALE)
    assert verdicts["limit_error_se"].item() == pytest.approx(
        np.sqrt(sampled.limit.var(axis=0, ddof=1).sum() / 8) / SCALE
    )


def test_what_is_exactly_zero_at_every_width_is_at_its_limit() -> None:
    samples = zero_limit(np.random.default_rng(3))
    curves, verdicts = reduced(replace(samples, trials=tuple(0.0 * rows for rows in samples.trials)))
    for name in ("value", "low", "high"):
        assert (curves[name].sel(metric=["rms", "bias", "std"]) == 0).all(), name
    assert curves["slope"].isnull().all()
    assert verdicts["equivalent"].item() == 1
    assert verdicts["consistent"].max().item() == -1


def test_a_scale_divides_what_is_relative_to_a_limit_of_norm_one() -> None:
    samples = synthetic(np.random.default_rng(3), widths=WIDTHS, counts=[16] * 4, replicates=8, limit_error=1e-3)
    exact = replace(samples, exact=np.full(SIZE, SIZE**-0.5))
    for one, half in zip(reduced(exact), reduced(replace(exact, scale=2.0)), strict=True):
        for name in ("value", "low", "high", "noise_floor", "prefactor", "extrapolated", "limit_error", "trial_noise"):
            if name in one:
                xr.testing.assert_allclose(half[name], one[name] / 2)
        for name in ("slope", "slope_low", "slope_high"):
            if name in one:
                xr.testing.assert_allclose(half[name], one[name])


def test_without_any_limit_a_scale_does_not_make_one() -> None:
    samples = zero_limit(np.random.default_rng(3))
    curves, verdicts = reduced(replace(samples, exact=None))
    assert curves["value"].sel(metric=["rms", "bias"]).isnull().all()
    assert verdicts["equivalent"].item() == -1
    assert verdicts["limit_noise"].isnull()
