"""reduce: laws of the whole reduction on small trees."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import EXPECTED, synthetic, tree_of

from widthwise.reduce import reduce
from widthwise.reduce.samples import Samples

WIDTHS = [64, 256, 1024, 4096]


def run(**options: object) -> Samples:
    defaults: dict[str, object] = {"widths": WIDTHS, "counts": [16] * 4, "bias": 6.0}
    return synthetic(np.random.default_rng(3), **(defaults | options))


def reduced(tree: xr.DataTree, tolerance: float = 0.01) -> tuple[xr.Dataset, xr.Dataset]:
    return reduce(tree, tolerance=tolerance, confidence=0.95, expected=EXPECTED)


def test_metrics_are_those_of_the_definitions() -> None:
    samples = run()
    curves, _ = reduced(tree_of(samples))
    assert samples.exact is not None
    for index, rows in enumerate(samples.trials):
        value = curves["value"].sel(readout="kernel").isel(width=index)
        variance = rows.var(axis=0, ddof=1).sum()
        difference = np.square(rows.mean(axis=0) - samples.exact).sum()
        assert value.sel(metric="std").item() == pytest.approx(np.sqrt(variance))
        assert value.sel(metric="bias").item() == pytest.approx(np.sqrt(max(difference - variance / 16, 0)))
        mean_square = np.square(rows - samples.exact).sum(axis=1).mean()
        # The mean square distance, up to the finite-sample term that makes rms^2 = bias^2 + std^2 unbiased.
        assert value.sel(metric="rms").item() ** 2 == pytest.approx(difference - variance / 16 + variance)
        assert value.sel(metric="rms").item() ** 2 == pytest.approx(mean_square)


def test_equal_trees_give_equal_bits_and_inputs_stay_as_they_are() -> None:
    tree = tree_of(run(replicates=8, limit_error=1e-3))
    before = tree.copy(deep=True)
    first, second = reduced(tree), reduced(tree)
    for one, two in zip(first, second, strict=True):
        assert one.identical(two)
        assert all(one[name].to_numpy().tobytes() == two[name].to_numpy().tobytes() for name in one.variables)
    assert tree.identical(before)


def test_order_of_trials_widths_and_replicates_is_irrelevant() -> None:
    samples = run(replicates=8, limit_error=1e-3)
    shuffled = Samples(
        widths=samples.widths[::-1],
        trials=tuple(rows[::-1] for rows in samples.trials[::-1]),
        limit=samples.limit[[3, 1, 7, 0, 2, 6, 5, 4]],
        exact=None,
        arithmetic=None,
    )
    for one, two in zip(reduced(tree_of(samples)), reduced(tree_of(shuffled)), strict=True):
        xr.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-15)


def test_scaling_a_readout_and_its_limit_changes_nothing() -> None:
    samples = run()
    tree = tree_of(samples)
    scaled = xr.DataTree.from_dict(
        {name: group.to_dataset().assign(kernel=group["kernel"] * 1024.0) for name, group in tree.children.items()}
    )
    for one, two in zip(reduced(tree), reduced(scaled), strict=True):
        xr.testing.assert_allclose(one, two, rtol=1e-12)


def test_only_counted_trials_up_to_the_first_gap_enter() -> None:
    tree = tree_of(run())
    trials = tree["trials"].to_dataset()
    trials["kernel"][0, 5] = np.nan
    trials["trial_count"][1] = 7
    trials["kernel"][2] = np.nan
    trials["trial_count"][3] = 1
    partial = xr.DataTree.from_dict({name: tree[name].to_dataset() for name in tree.children} | {"trials": trials})
    curves, verdicts = reduced(partial)
    assert curves["trials"].sel(readout="kernel").to_numpy().tolist() == [5, 7, 0, 1]
    known = np.isfinite(curves["value"].sel(metric="rms", readout="kernel").to_numpy())
    assert known.tolist() == [True, True, False, False]
    seven = tree["trials"]["kernel"][1, :7].to_numpy()
    assert curves["value"].sel(metric="std", readout="kernel", width=256).item() == pytest.approx(
        np.sqrt(seven.var(axis=0, ddof=1).sum())
    )
    assert np.isfinite(verdicts["extrapolated"].to_numpy()).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_trials_give_no_more_than_they_support(count: int) -> None:
    curves, verdicts = reduced(tree_of(run(counts=[16, 16, 16, count])))
    last = curves.sel(readout="kernel", metric="rms").isel(width=-1)
    assert np.isfinite(last["value"].item()) == (count >= 2)
    assert int(last["trials"]) == count
    assert np.isfinite(verdicts["extrapolated_high"].item())


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_known_before_the_second_trial(count: int) -> None:
    curves, verdicts = reduced(tree_of(run(counts=[count] * 4)))
    assert curves["value"].isnull().all()
    assert (verdicts["consistent"] == -1).all()
    assert (verdicts["equivalent"] == -1).all()
    assert (verdicts["dominant"] == -1).all()


@pytest.mark.parametrize("replicates", [1, 2, 3])
def test_a_sampled_limit_needs_two_replicates_and_three_for_intervals(replicates: int) -> None:
    samples = run(replicates=replicates, limit_error=1e-3)
    rms = reduced(tree_of(samples))[0].sel(readout="kernel", metric="rms")
    assert rms["value"].notnull().all() == (replicates >= 2)
    assert rms["high"].notnull().all() == (replicates >= 3)


def test_rms_is_freed_from_the_error_of_the_limit() -> None:
    # |q_n - q| is 0.03 at the largest width, the limit is off by 0.05 / sqrt(8): 20 % too much if left in.
    values = []
    random = np.random.default_rng(5)
    for _ in range(200):
        samples = synthetic(random, widths=WIDTHS, counts=[16] * 4, replicates=8, limit_error=0.05)
        curves, _ = reduced(tree_of(samples))
        values.append(curves["value"].sel(metric="rms", readout="kernel", width=4096).item() ** 2)
    # 4 standard errors: a false alarm in 1 of 16,000 seeds.
    assert abs(np.mean(values) - 4 / 4096) <= 4 * np.std(values) / np.sqrt(200)
    assert 4 * np.std(values) / np.sqrt(200) < 0.05**2 / 8


def test_the_exact_limit_is_preferred_and_the_sampled_one_checked_against_it() -> None:
    samples = run(replicates=8, limit_error=0.01)
    both = Samples(
        widths=samples.widths, trials=samples.trials, limit=samples.limit, exact=np.full(4, 0.5), arithmetic=None
    )
    curves, verdicts = reduced(tree_of(both))
    assert curves["reference"].item() == 1
    assert verdicts["limit_noise"].item() == 0
    error = np.sqrt(np.square(samples.limit.mean(axis=0) - 0.5).sum())
    assert verdicts["limit_error"].item() == pytest.approx(error)
    assert verdicts["limit_error_se"].item() == pytest.approx(np.sqrt(samples.limit.var(axis=0, ddof=1).sum() / 8))


def test_every_point_of_a_sweep_is_reduced_by_itself() -> None:
    samples = run()
    axes = {"model.activation": ["erf", "relu"], "model.depth": [1, 2, 3]}
    swept = reduced(tree_of(samples, axes=axes))
    alone = reduced(tree_of(samples))
    for many, one in zip(swept, alone, strict=True):
        assert many.sizes["model.activation"] == 2
        xr.testing.assert_allclose(many.isel({"model.activation": 1, "model.depth": 2}, drop=True), one)


def test_every_variable_is_described() -> None:
    for dataset in reduced(tree_of(run())):
        for name in dataset.data_vars:
            assert dataset[name].attrs["long_name"], name
            assert dataset[name].attrs["description"], name
            assert dataset[name].attrs["units"] == "1", name


def test_a_limit_of_zero_leaves_relative_distances_unknown() -> None:
    samples = run()
    nothing = Samples(
        widths=samples.widths, trials=samples.trials, limit=samples.limit, exact=np.zeros(4), arithmetic=None
    )
    curves, verdicts = reduced(tree_of(nothing))
    assert curves["value"].isnull().all()
    assert (verdicts["equivalent"] == -1).all()
