"""Adaptive runs end when intervals are short, with the same bits however they were interrupted, cut or ordered."""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from adaptive_fakes import POINTS, POISON, SAMPLED, WIDTHS, fake_spec, interrupted_at, poisoned, spread

import widthwise
from widthwise.errors import IdentityError, InterruptedRunError, SpecError, StorageError
from widthwise.plan import Span
from widthwise.report import rounds as rounds_module
from widthwise.report.outlook import Outlook, outlook, outlook_words
from widthwise.report.pipeline import curves_of, draw, store_curves
from widthwise.report.rounds import BudgetSpentError, Rounds, first_round, in_rounds
from widthwise.run import Progress, RunOutcome, cutting, driver, execute
from widthwise.run.station import Measure
from widthwise.spec import Spec
from widthwise.store import Lock, check_run, open_results, open_run, read_journal, read_round, tree_hash

TOLERANCE = 0.04
CASES = {
    "exact": fake_spec(),
    "sampled": fake_spec(SAMPLED),
    "two points": fake_spec(axes=POINTS),
    "two points, sampled": fake_spec(SAMPLED, POINTS),
}


def adaptive(
    spec: Spec,
    path: Path,
    *,
    tolerance: float | None = TOLERANCE,
    budget: float | None = None,
    measure: Measure = spread,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[RunOutcome, Outlook]:
    rounds = Rounds(spec, tolerance=tolerance, budget=budget)
    call = partial(execute, out=path, address="inline", measure=measure)
    outcome = in_rounds(call, path, rounds, on_progress)
    return outcome, outlook(open_run(path), rounds)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in CASES if name != "two points, sampled"]


@pytest.fixture(scope="module", params=["two points, sampled", *SLOW])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Spec, Path, Outlook]:
    """A spec, its adaptive run that nobody disturbed, and what it reached."""
    path = tmp_path_factory.mktemp("adaptive") / "a.run"
    return CASES[request.param], path, adaptive(CASES[request.param], path)[1]


def test_every_interval_of_the_curves_is_within_the_tolerance(case: tuple[Spec, Path, Outlook]) -> None:
    spec, path, reached = case
    curves, _ = store_curves(path, spec)
    at = curves.sel(metric="rms")
    half_widths = (at["high"] - at["low"]) / 2
    assert reached.reached
    assert reached.rounds > 1
    assert float(half_widths.max()) == pytest.approx(reached.half_width)
    assert reached.half_width is not None
    assert reached.half_width <= TOLERANCE
    assert check_run(path) == []


def test_noisier_cells_have_more_trials(case: tuple[Spec, Path, Outlook]) -> None:
    counts = open_results(case[1])["trials"]["trial_count"]
    assert (counts.diff("width") <= 0).all()
    assert counts.max() > counts.min()
    if "model.weight_variance" in counts.dims:
        assert (counts.diff("model.weight_variance") >= 0).all()
        assert (counts.isel({"model.weight_variance": 0}) < counts.isel({"model.weight_variance": 1})).any()


def test_a_finished_run_is_left_alone(case: tuple[Spec, Path, Outlook]) -> None:
    spec, path, reached = case
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    outcome, again = adaptive(spec, path)
    assert outcome.computed_blocks == 0
    assert again == reached
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()} == before


def test_a_killed_run_ends_with_the_same_bits(case: tuple[Spec, Path, Outlook], tmp_path: Path) -> None:
    require_same_bits_after_a_kill(case, tmp_path, 0.6)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.8, 0.99])
def test_wherever_it_is_killed(case: tuple[Spec, Path, Outlook], tmp_path: Path, share: float) -> None:
    require_same_bits_after_a_kill(case, tmp_path, share)


def require_same_bits_after_a_kill(case: tuple[Spec, Path, Outlook], folder: Path, share: float) -> None:
    spec, undisturbed, reached = case
    path, counter, total = folder / "b.run", folder / "counter", len(read_journal(undisturbed))
    counter.write_text("0")
    driver.calibrate(spec, driver.request(spec).inputs, partial(interrupted_at, 10**9, counter))
    after = int(counter.read_text()) + int(share * total)
    counter.write_text("0")
    with pytest.raises(InterruptedRunError):
        adaptive(spec, path, measure=partial(interrupted_at, after, counter))
    stored = len(read_journal(path))
    assert stored < total
    outcome, again = adaptive(spec, path)
    assert outcome.computed_blocks == total - stored
    assert tree_hash(path) == tree_hash(undisturbed)
    assert (again.rounds, again.half_width) == (reached.rounds, reached.half_width)


def test_the_cutting_and_the_order_of_units_change_nothing(
    case: tuple[Spec, Path, Outlook], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, undisturbed, _ = case

    def one_by_one(missing: Sequence[Span], *rest: object) -> object:
        single = [span.part(k, k + 1) for span in reversed(missing) for k in reversed(range(span.count))]
        return cutting.cut(single, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(driver, "cut", one_by_one)
    adaptive(spec, tmp_path / "b.run")
    assert tree_hash(tmp_path / "b.run") == tree_hash(undisturbed)


def test_a_round_is_written_before_its_first_block(tmp_path: Path) -> None:
    path, seen = tmp_path / "a.run", set[int]()

    def measure(spec: Spec, inputs: Sequence[np.ndarray], block: rounds_module.Block) -> object:
        targets = read_round(path) if path.exists() else None
        if block.kind == "trials" and block.index >= 4:
            assert targets is not None
            assert targets.targets[block.point, block.width] > 4 * block.index
            seen.add(targets.number)
        return spread(spec, inputs, block)

    _, reached = adaptive(fake_spec(), path, measure=measure)
    assert max(seen) == reached.rounds
    assert json.loads((path / "rounds.json").read_text())["tolerance"] == TOLERANCE


def test_the_first_round_is_what_a_variance_takes_and_no_more_than_the_spec_asks_for() -> None:
    first = first_round(fake_spec())
    assert first.sweep.trials == dict.fromkeys(WIDTHS, 12)
    assert first.limit.replicates == 4
    assert first_round(fake_spec(trials=5)).sweep.trials == dict.fromkeys(WIDTHS, 5)
    assert first_round(fake_spec(microbatch=32)).sweep.trials == dict.fromkeys(WIDTHS, 32)


@pytest.mark.slow
def test_a_spec_that_asks_for_two_trials_still_gets_its_intervals(tmp_path: Path) -> None:
    _, reached = adaptive(fake_spec(trials=2), tmp_path / "a.run")
    assert reached.reached


@pytest.mark.slow
def test_smaller_tolerances_go_on_from_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    first, _ = adaptive(fake_spec(), path)
    stored = set(read_journal(path))
    second, reached = adaptive(fake_spec(), path, tolerance=TOLERANCE / 2)
    assert reached.reached
    assert stored < set(read_journal(path))
    assert first.computed_blocks + second.computed_blocks == len(read_journal(path))
    assert adaptive(fake_spec(), path, tolerance=TOLERANCE)[0].computed_blocks == 0


@pytest.mark.slow
def test_halving_takes_about_four_times_as_much(tmp_path: Path) -> None:
    _, before = adaptive(fake_spec(), tmp_path / "a.run", tolerance=0.02)
    assert before.half_width is not None
    assert before.halving is not None
    _, after = adaptive(fake_spec(), tmp_path / "a.run", tolerance=before.half_width / 2)
    assert after.reached
    # The margin of a round is a factor of 1 / AIM^2.
    assert 0.6 < (after.done.trials - before.done.trials) / before.halving.trials < 2.0
    assert before.halving.trials == pytest.approx(3 * before.done.trials, rel=0.5)


def test_ragged_points_can_be_reduced_and_drawn_and_filled_up(tmp_path: Path) -> None:
    spec, path = fake_spec(axes=POINTS, trials=24), tmp_path / "a.run"
    adaptive(spec, path)
    counts = open_results(path)["trials"]["trial_count"]
    assert (counts.isel({"model.weight_variance": 0}) != counts.isel({"model.weight_variance": 1})).any()
    curves, verdicts = store_curves(path, spec)
    np.testing.assert_array_equal(curves["trials"].sel(readout="nngp"), counts)
    assert (verdicts["consistent"].sel(metric="rms") != 0).all()
    assert all(figure.exists() for figure in draw(path, (curves, verdicts)))
    assert check_run(path) == []

    plain = partial(execute, spec, path, address="inline", measure=spread)
    with pytest.raises(IdentityError, match=r"sweep\.trials: 12 in the run, 24 in the spec at width 256"):
        plain()
    assert plain(extend=True).computed_blocks > 0
    assert (open_results(path)["trials"]["trial_count"] >= 24).all()
    assert check_run(path) == []
    assert adaptive(spec, path)[0].computed_blocks == 0


def test_blocks_that_were_given_up_stop_their_cell_and_no_other(tmp_path: Path) -> None:
    spec, path = fake_spec(), tmp_path / "a.run"
    outcome, reached = adaptive(spec, path, tolerance=0.02, measure=poisoned)
    assert [each.unit.blocks[0] for each in outcome.quarantined] == [POISON]
    counts = open_results(path)["trials"]["trial_count"].to_series()
    assert counts[16] == 4 * POISON.index
    assert counts[64] > 12
    assert not reached.reached
    assert adaptive(spec, path, tolerance=0.02)[1].reached


@pytest.mark.slow
def test_damaged_chunks_of_a_later_round_are_computed_again(tmp_path: Path) -> None:
    spec, path = fake_spec(), tmp_path / "a.run"
    adaptive(spec, path)
    whole = tree_hash(path)
    chunk = max((path / "results.zarr/trials/nngp/c/0").iterdir(), key=lambda file: int(file.name))
    (file,) = [each for each in chunk.rglob("*") if each.is_file()]
    file.write_bytes(b"damaged")
    assert adaptive(spec, path)[0].computed_blocks == 1
    assert tree_hash(path) == whole


@pytest.mark.slow
def test_a_budget_ends_the_run_and_the_next_call_goes_on(tmp_path: Path) -> None:
    path, spec = tmp_path / "a.run", fake_spec(SAMPLED)

    def slow(*arguments: object) -> object:
        time.sleep(0.005)
        return spread(*arguments)  # type: ignore[arg-type]

    _, first = adaptive(spec, path, tolerance=None, budget=3.0, measure=slow)
    assert first.reached is None
    assert first.rounds > 1
    _, second = adaptive(spec, path, tolerance=None, budget=2.0, measure=slow)
    assert second.done.trials > first.done.trials
    assert second.half_width is not None
    assert first.half_width is not None
    assert second.half_width < first.half_width
    assert check_run(path) == []


def test_a_budget_that_ends_in_the_first_round_leaves_a_run_that_can_go_on(tmp_path: Path) -> None:
    path, spec = tmp_path / "a.run", fake_spec()
    outcome, reached = adaptive(spec, path, budget=1e-9)
    assert outcome.computed_blocks == 0
    assert (reached.half_width, reached.reached) == (None, False)
    assert "no interval is known" in outlook_words(reached)
    curves_of(path, spec)
    assert not (path / "run.lock").exists()
    assert adaptive(spec, path)[1].reached


def test_what_was_given_up_is_told_where_the_time_ends(tmp_path: Path) -> None:
    def end(progress: Progress) -> None:
        if progress.quarantined:
            raise BudgetSpentError

    outcome, _ = adaptive(fake_spec(), tmp_path / "a.run", budget=3600.0, measure=poisoned, on_progress=end)
    assert [quarantine.block for quarantine in outcome.quarantined] == [POISON]


@pytest.mark.slow
def test_a_large_budget_changes_no_bit(case: tuple[Spec, Path, Outlook], tmp_path: Path) -> None:
    spec, undisturbed, _ = case
    adaptive(spec, tmp_path / "b.run", budget=3600.0)
    assert tree_hash(tmp_path / "b.run") == tree_hash(undisturbed)


@pytest.mark.slow
def test_no_round_is_planned_while_another_driver_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    adaptive(fake_spec(), path)
    before = read_round(path)
    with Lock(path), pytest.raises(StorageError):
        adaptive(fake_spec(), path, tolerance=0.02)
    assert read_round(path) == before


def test_the_outlook_in_words(case: tuple[Spec, Path, Outlook]) -> None:
    words = outlook_words(case[2])
    assert f"rounds: {case[2].rounds}; largest half width 0.0" in words
    assert "tolerance 0.04: reached" in words
    assert "to halve it takes" in words


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"tolerance": 0.0}, "tolerance: 0.0 is not between 0 and 1"),
        ({"tolerance": float("nan")}, "tolerance: nan"),
        ({"budget": -1.0}, "budget: -1.0 is not a positive number of seconds"),
    ],
)
def test_what_is_no_tolerance_and_no_budget_is_refused(options: dict[str, float], part: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=part):
        widthwise.run(fake_spec(), tmp_path / "a.run", address="inline", **options)


@pytest.mark.slow
def test_python_takes_a_tolerance_and_judges_by_it(tmp_path: Path) -> None:
    told: list[Progress] = []
    path = widthwise.run(fake_spec(), tmp_path / "a.run", address="inline", tolerance=0.2, on_progress=told.append)
    verdicts = widthwise.open(path)["verdicts"]
    assert verdicts.attrs["tolerance"] == 0.2
    assert told[-1].done_units == told[-1].total_units
