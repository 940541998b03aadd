"""Sizes without a limit: their slope against the predicted power is the verdict, also where they are 0 or diverge."""

import numpy as np
import pytest
import xarray as xr

from widthwise.reduce import reduce

WIDTHS = (64, 256, 1024)
POINTS = 2


def tree(
    power: float, *, predicted: float = np.nan, widths: tuple[int, ...] = WIDTHS, trials: int = 16, seed: int = 0
) -> xr.DataTree:
    """Two readouts of size 3 n^power, lognormal with deviation 0.1, beside a plain one; two points alike."""
    random = np.random.default_rng(seed)
    noise = np.exp(0.1 * random.standard_normal((POINTS, len(widths), trials)))
    values = 3 * np.array(widths, dtype=float)[:, None] ** power * noise
    plain = 1 + 0.001 * random.standard_normal((POINTS, len(widths), trials, 1))
    dims, axis = ("model.law", "width", "trial"), {"model.law": ["one", "other"]}
    groups = {
        "trials": {
            "first": (dims, values, {"size": 1}),
            "second": (dims, values[:, :, ::-1], {"size": 1}),
            "plain": ((*dims, "one"), plain),
            "trial_count": (dims[:2], np.full((POINTS, len(widths)), trials)),
        },
        "exact": {
            "first": ("model.law", np.full(POINTS, predicted)),
            "second": ("model.law", np.full(POINTS, np.nan)),
            "plain": (("model.law", "one"), np.ones((POINTS, 1))),
        },
    }
    datasets = {name: xr.Dataset(variables, axis) for name, variables in groups.items()}
    datasets["trials"] = datasets["trials"].assign_coords(width=list(widths))
    return xr.DataTree.from_dict(datasets)


def found(given: xr.DataTree, confidence: float = 0.95) -> tuple[xr.Dataset, xr.Dataset]:
    """Curves and verdicts of ``first`` at the first point, in the metric that it has."""
    both = reduce(given, tolerance=0.01, confidence=confidence, expected={})
    curves, verdicts = (each.isel({"model.law": 0}).sel(readout="first", metric="rms") for each in both)
    return curves, verdicts


def with_values(given: xr.DataTree, values: np.ndarray) -> xr.DataTree:
    trials = given["trials"].to_dataset()
    changed = trials.assign(first=trials["first"].copy(data=np.broadcast_to(values, trials["first"].shape)))
    return xr.DataTree.from_dict({"trials": changed, "exact": given["exact"].to_dataset()})


@pytest.mark.parametrize("power", [-1.0, -0.5, 0.0, 1.5])
def test_the_value_is_the_size_and_the_slope_its_power(power: float) -> None:
    curves, verdicts = found(tree(power, predicted=power))
    size = 3 * np.array(WIDTHS, dtype=float) ** power * np.exp(0.1**2)
    # A relative error of 0.1 / sqrt(16) a width, five of them; of the slope at most 0.025 * sqrt(2) / log(16).
    np.testing.assert_allclose(curves["value"], size, rtol=0.125)
    assert abs(curves["slope"] - power) < 0.065
    assert (curves["expected_slope"], verdicts["consistent"]) == (power, 1)


def test_intervals_hold_the_power_as_often_as_they_say() -> None:
    """Of two sizes at 95 % together each is outside in 1 of 40 runs; more than 6 of 60 in 1 of 1,000 such tests."""
    curves = [found(tree(0.5, seed=seed))[0] for seed in range(60)]
    outside = [not each["slope_low"] < 0.5 < each["slope_high"] for each in curves]
    assert sum(outside) <= 6


@pytest.mark.parametrize(("predicted", "verdict"), [(0.0, 0), (-0.5, 1), (-1.0, 0), (-0.25, 0), (np.nan, -1)])
def test_powers_a_quarter_apart_are_told_apart(predicted: float, verdict: int) -> None:
    _, verdicts = found(tree(-0.5, predicted=predicted))
    assert verdicts["consistent"] == verdict


def test_what_finite_widths_bend_a_little_is_still_as_predicted() -> None:
    """A slope of -0.44 instead of -1/2, although the interval is shorter than the difference."""
    curves, verdicts = found(tree(-0.44, predicted=-0.5, trials=400))
    assert curves["slope_low"] > -0.5
    assert verdicts["consistent"] == 1


def test_too_few_trials_leave_it_open() -> None:
    curves, verdicts = found(tree(0.0, predicted=0.0, trials=3, widths=(64, 80)))
    assert curves["slope_high"] - curves["slope_low"] > 0.5
    assert verdicts["consistent"] == -1


def test_there_is_no_verdict_on_a_limit() -> None:
    curves, verdicts = reduce(tree(0.0, predicted=0.0), tolerance=0.01, confidence=0.95, expected={})
    sizes = {"readout": ["first", "second"]}
    assert (verdicts["equivalent"].sel(sizes) == -1).all()
    assert (verdicts["equivalent"].sel(readout="plain") == 1).all()
    assert verdicts["extrapolated"].sel(sizes).isnull().all()
    assert curves["value"].sel(sizes | {"metric": ["bias", "std", "w2"]}).isnull().all()
    assert curves["kind"].attrs["flag_meanings"] == "array law size"
    assert curves["kind"].sel(sizes).values.tolist() == [[2, 2]] * POINTS


def test_intervals_of_all_sizes_hold_together() -> None:
    """Two of them at 95 % are as long as one at 97.5 %."""
    both = found(tree(0.0))[0]
    alone = tree(0.0)
    alone["trials"] = xr.DataTree(alone["trials"].to_dataset().drop_vars("second"))
    one = found(alone, confidence=0.975)[0]
    np.testing.assert_allclose(both["slope_high"] - both["slope_low"], one["slope_high"] - one["slope_low"])


def test_nothing_at_all_is_no_slope() -> None:
    curves, verdicts = found(with_values(tree(0.0, predicted=0.0), np.zeros(())))
    assert (curves["value"] == 0).all()
    assert np.isnan(curves["slope"])
    assert verdicts["consistent"] == -1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_width_that_diverged_is_left_out_and_its_trials_count(bad: float) -> None:
    given = tree(0.0, predicted=0.0)
    values = given["trials"]["first"].to_numpy().copy()
    values[:, -1, 3] = bad
    curves, verdicts = found(with_values(given, values))
    assert curves["value"].isnull().values.tolist() == [False, False, True]
    assert (curves["trials"] == 16).all()
    assert np.isfinite(curves["slope"])
    assert verdicts["consistent"] == 1


def test_all_that_diverged_is_no_slope() -> None:
    curves, verdicts = found(with_values(tree(0.0, predicted=0.0), np.array(np.inf)))
    assert np.isnan(curves["slope"])
    assert verdicts["consistent"] == -1


def test_two_widths_have_an_interval_by_their_trials() -> None:
    """Deviation of the slope sqrt(2) * 0.1 / sqrt(16) / log(4) = 0.026; the interval for two sizes is 2.5 of it."""
    curves, _ = found(tree(1.0, widths=(64, 256)))
    assert curves["slope_low"] < 1.0 < curves["slope_high"]
    assert 0.03 < (curves["slope_high"] - curves["slope_low"]) / 2 < 0.13


@pytest.mark.parametrize("trials", [0, 1, 2])
def test_few_trials_are_no_accident(trials: int) -> None:
    given = tree(0.0, predicted=0.0)
    counts = given["trials"]["trial_count"] * 0 + trials
    given["trials"] = xr.DataTree(given["trials"].to_dataset().assign(trial_count=counts))
    assert found(given)[1]["consistent"] == -1
