"""Allocation: enough and not more, the cheapest way, in bounded steps of whole microbatches."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from adaptive_runs import MICROBATCH, Draws, Synthetic, adaptive, price

from widthwise.reduce.allocation import AIM, GROWTH, for_budget, for_tolerance
from widthwise.reduce.cells import FEWEST_REPLICATES, FEWEST_TRIALS, LIMIT, MOST_REPLICATES, unknown
from widthwise.reduce.gains import most_gained
from widthwise.reduce.needs import needed
from widthwise.reduce.precision import Precision

WIDTHS = (64, 256, 1024)
EXACT, SAMPLED = Synthetic(widths=WIDTHS), Synthetic(widths=WIDTHS, limit_error=0.1)
Counts = dict[tuple[int, int], int]


def drawn(readout: Synthetic, *, seed: int = 0) -> tuple[Precision, Counts]:
    counts = readout.first()
    return Draws(readout, np.random.default_rng(seed)).precision(counts), counts


def predicted(found: Precision, before: Counts, after: Counts) -> np.ndarray:
    """Variances of the logarithms with more trials and replicates."""
    growth = np.array([after[0, width] / before[0, width] for width in found.widths])
    limit = after.get((0, LIMIT), 1) / before.get((0, LIMIT), 1)
    return found.by_trials / growth + found.by_limit / limit


@pytest.mark.parametrize("readout", [EXACT, SAMPLED])
@pytest.mark.parametrize("tolerance", [0.003, 0.01, 0.03])
def test_what_is_needed_is_enough(readout: Synthetic, tolerance: float) -> None:
    found, counts = drawn(readout)
    wanted = needed([found], counts, readout.costs, tolerance)
    left = predicted(found, counts, wanted)
    assert (left <= found.allowed(tolerance) * (1 + 1e-9)).all()
    assert all(wanted[cell] >= counts[cell] for cell in counts)


@pytest.mark.parametrize("tolerance", [0.003, 0.01, 0.03])
def test_no_other_number_of_replicates_is_much_cheaper(tolerance: float) -> None:
    found, counts = drawn(SAMPLED)
    wanted = needed([found], counts, SAMPLED.costs, tolerance)
    prices = []
    for replicates in range(counts[0, LIMIT], MOST_REPLICATES + 1):
        left = found.allowed(tolerance) - found.by_limit * counts[0, LIMIT] / replicates
        if (left > 0).all():
            trials = np.maximum(np.ceil(found.by_trials * found.trials / left), found.trials)
            prices.append(replicates * SAMPLED.costs[0, LIMIT] + (trials * WIDTHS).sum())
    assert price(wanted, SAMPLED.costs) <= 1.06 * min(prices)


def test_dearer_replicates_are_fewer() -> None:
    found, counts = drawn(SAMPLED)
    dear = SAMPLED.costs | {(0, LIMIT): 1e6}
    cheap = SAMPLED.costs | {(0, LIMIT): 1.0}
    few, many = (needed([found], counts, costs, 0.01) for costs in (dear, cheap))
    assert few[0, LIMIT] < many[0, LIMIT]
    assert all(few[0, width] >= many[0, width] for width in WIDTHS)


def test_half_the_tolerance_needs_four_times_the_trials() -> None:
    found, counts = drawn(EXACT)
    once, twice = (needed([found], counts, EXACT.costs, tolerance) for tolerance in (0.002, 0.001))
    for width in WIDTHS:
        assert twice[0, width] / once[0, width] == pytest.approx(4.0, rel=0.01)


def test_readouts_share_their_trials() -> None:
    found, counts = drawn(EXACT)
    other = replace(found, readout="other", half_width=found.half_width / 2, scale=found.scale / 2)
    both, one = (needed(each, counts, EXACT.costs, 0.01) for each in ([other, found], [found]))
    assert both == one


def test_cells_whose_intervals_are_short_get_nothing() -> None:
    found, counts = drawn(EXACT)
    tolerance = float(np.sort(found.half_width)[1])
    wanted = for_tolerance([found], counts, EXACT.costs, tolerance, MICROBATCH)
    grown = [width for width in WIDTHS if wanted[0, width] > counts[0, width]]
    assert grown == [WIDTHS[int(found.half_width.argmax())]]
    assert for_tolerance([found], counts, EXACT.costs, float(found.half_width.max()), MICROBATCH) == counts


@pytest.mark.parametrize("readout", [EXACT, SAMPLED])
def test_a_round_grows_in_whole_microbatches_and_fourfold_at_most(readout: Synthetic) -> None:
    found, counts = drawn(readout)
    for tolerance in (1e-5, 0.01, 0.02, 0.04):
        wanted = for_tolerance([found], counts, readout.costs, tolerance, MICROBATCH)
        aim = needed([found], counts, readout.costs, tolerance, AIM)
        for cell, count in wanted.items():
            grain = 1 if cell[1] == LIMIT else MICROBATCH
            assert counts[cell] <= count <= max(GROWTH * counts[cell], counts[cell] + grain)
            assert count % grain == 0
            assert count < aim[cell] + grain


def test_unknown_intervals_get_what_a_variance_takes() -> None:
    counts = dict.fromkeys(EXACT.costs, 2)
    few = Draws(EXACT, np.random.default_rng(0)).precision(counts)
    assert np.isnan(few.half_width).all()
    enough = dict.fromkeys(counts, FEWEST_TRIALS)
    assert unknown([few], counts) == enough
    assert for_tolerance([few], counts, EXACT.costs, 0.5, MICROBATCH) == enough
    assert for_budget([few], counts, EXACT.costs, 1e9, MICROBATCH) == enough
    assert unknown([few], counts | {(0, LIMIT): 2}) == enough | {(0, LIMIT): FEWEST_REPLICATES}


def test_trials_behind_a_gap_get_no_more() -> None:
    found, counts = drawn(EXACT)
    counts |= {(0, 64): counts[0, 64] + 8}
    for wanted in (
        for_tolerance([found], counts, EXACT.costs, 1e-3, MICROBATCH),
        for_budget([found], counts, EXACT.costs, 1e9, MICROBATCH),
    ):
        assert wanted[0, 64] == counts[0, 64]
        assert wanted[0, 256] > counts[0, 256]


def test_what_no_number_of_replicates_can_do_gets_no_trials() -> None:
    found, counts = drawn(Synthetic(widths=WIDTHS, limit_error=0.1))
    wanted = needed([found], counts, SAMPLED.costs, 1e-7)
    assert wanted == counts | {(0, LIMIT): MOST_REPLICATES}


@pytest.mark.parametrize("readout", [EXACT, SAMPLED])
def test_a_budget_buys_what_lowers_the_sum_of_squares_most(readout: Synthetic) -> None:
    found, counts = drawn(readout)
    budget = 3 * price(counts, readout.costs)
    most = dict.fromkeys(counts, 10**6)
    bought = most_gained([found], counts, most, readout.costs, MICROBATCH, budget)
    spent = price(bought, readout.costs) - price(counts, readout.costs)
    assert budget - max(readout.costs.values()) * MICROBATCH < spent <= budget

    def total(cells: Counts) -> float:
        by_trials, by_limit = found.squares()
        limit = cells.get((0, LIMIT), 1) / counts.get((0, LIMIT), 1)
        trials = sum(by_trials[k] * counts[0, width] / cells[0, width] for k, width in enumerate(WIDTHS))
        return float(trials + by_limit.sum() / limit)

    least = total(bought)
    for gives, takes in itertools.permutations(counts, 2):
        given = MICROBATCH if gives[1] != LIMIT else 1
        worth = given * readout.costs[gives] / readout.costs[takes]
        if bought[gives] - given >= counts[gives] and worth >= 1:
            # What one cell gives up, rounded down, shortens intervals less in another.
            grain = MICROBATCH if takes[1] != LIMIT else 1
            swapped = bought | {gives: bought[gives] - given, takes: bought[takes] + int(worth // grain) * grain}
            assert total(swapped) >= least * (1 - 1e-12)


def test_counts_that_a_large_budget_buys_are_as_spread_by_the_root_of_the_cost() -> None:
    found, counts = drawn(EXACT)
    most = dict.fromkeys(counts, 10**7)
    bought = most_gained([found], counts, most, EXACT.costs, MICROBATCH, 1e4 * price(counts, EXACT.costs))
    by_trials, _ = found.squares()
    neyman = np.sqrt(by_trials * found.trials / np.array(WIDTHS))
    ratios = np.array([bought[0, width] for width in WIDTHS]) / neyman
    np.testing.assert_allclose(ratios / ratios[0], 1.0, rtol=1e-3)


def test_a_budget_that_pays_for_the_tolerance_plans_as_the_tolerance_does() -> None:
    found, counts = drawn(SAMPLED)
    most = for_tolerance([found], counts, SAMPLED.costs, 0.01, MICROBATCH)
    assert for_budget([found], counts, SAMPLED.costs, 1e9, MICROBATCH, most) == most
    less = for_budget([found], counts, SAMPLED.costs, 3000.0, MICROBATCH, most)
    assert all(counts[cell] <= less[cell] <= most[cell] for cell in counts)
    assert price(less, SAMPLED.costs) <= price(counts, SAMPLED.costs) + 3000.0
    assert for_budget([found], counts, SAMPLED.costs, -1.0, MICROBATCH, most) == counts


def test_the_same_intervals_cost_much_less_than_equal_trials_everywhere() -> None:
    readout = Synthetic(widths=(64, 256, 1024, 4096), limit_error=0.01)
    found, counts, _ = adaptive(readout, np.random.default_rng(0), 0.02)
    largest, trials = float(found.half_width.max()), FEWEST_TRIALS
    draws = Draws(readout, np.random.default_rng(1))
    while True:
        equal = {cell: 8 if cell[1] == LIMIT else trials for cell in counts}
        if draws.precision(equal).half_width.max() <= largest:
            break
        trials += MICROBATCH
    assert largest <= 0.02
    assert price(counts, readout.costs) <= 0.7 * price(equal, readout.costs)
