"""execute in rounds and in shards, and with blocks that need too much memory, in this process."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from run_fakes import BLOCKS, POISON, interrupted_once, numbers, poisoned, tiny_spec

from widthwise.errors import IncompleteError, InterruptedRunError, SpecError
from widthwise.plan import Block
from widthwise.report.failures import failures, require_complete
from widthwise.run import Progress, execute, remeasure
from widthwise.spaces import Shard
from widthwise.spec import Spec
from widthwise.store import Run, check_run, open_results, open_run, read_journal, read_log, tree_hash

run = partial(execute, address="inline", measure=numbers)

EXTRA = [Block("trials", 0, 8, 3), Block("trials", 0, 8, 4), Block("limit", 0, 0, 2)]


def once_more(run: Run) -> Sequence[Block]:
    """Trials 12 to 19 of width 8 and a third replicate, if the run does not have them."""
    return [] if run.layout.replicates == 3 else EXTRA


def test_a_round_adds_blocks_beyond_the_extent_of_the_run(tmp_path: Path) -> None:
    path, told = tmp_path / "a.run", list[Progress]()
    outcome = run(tiny_spec(), path, next_round=once_more, on_progress=told.append)
    assert outcome.computed_blocks == BLOCKS + len(EXTRA)
    assert told[-1].done_blocks == told[-1].total_blocks == BLOCKS + len(EXTRA)
    record, layout = open_run(path).record, open_run(path).layout
    assert (layout.trials, layout.replicates) == ((12, 20), 3)
    assert record.spec["sweep"]["trials"] == {"4": 12, "8": 20}
    assert record.spec["limit"]["replicates"] == 3
    assert open_results(path)["trials"]["trial_count"].values.tolist() == [12, 20]
    assert check_run(path) == []


def test_the_workers_of_one_round_are_those_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    run(tiny_spec(), path, next_round=once_more)
    assert sum(line["event"] == "restart_worker" for line in read_log(path)) == 1


def test_a_finished_run_is_asked_for_a_round_and_nothing_starts_without_one(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    run(tiny_spec(), path)
    assert run(tiny_spec(), path, next_round=lambda run: []).log is None
    outcome = run(tiny_spec(), path, next_round=once_more)
    assert (outcome.computed_blocks, outcome.skipped_blocks) == (len(EXTRA), BLOCKS)


def test_rounds_and_one_go_give_the_same_bytes(tmp_path: Path) -> None:
    run(tiny_spec(), tmp_path / "a.run", next_round=once_more)
    larger = tiny_spec(sweep={"width": [4, 8], "trials": {4: 12, 8: 20}}, limit={"samples": 64, "replicates": 3})
    run(larger, tmp_path / "b.run")
    groups = ("trials", "limit", "exact", "arithmetic")
    assert tree_hash(tmp_path / "a.run", groups=groups) == tree_hash(tmp_path / "b.run", groups=groups)


def test_a_round_that_was_interrupted_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a round asks for is still asked for by the next call, and only what is missing of it is computed."""
    path = tmp_path / "a.run"
    monkeypatch.setattr("run_fakes.POISON", EXTRA[1])
    measure = partial(interrupted_once, tmp_path / "marker")
    with pytest.raises(InterruptedRunError):
        run(tiny_spec(), path, next_round=once_more, measure=measure)
    assert open_run(path).layout.replicates == 3
    stored = len(read_journal(path))
    assert BLOCKS <= stored < BLOCKS + len(EXTRA)
    asked: list[Sequence[Block]] = []

    def again(run: Run) -> Sequence[Block]:
        asked.append([] if len(read_journal(path)) == BLOCKS + len(EXTRA) else EXTRA)
        return asked[-1]

    outcome = run(tiny_spec(), path, next_round=again)
    assert outcome.computed_blocks == BLOCKS + len(EXTRA) - stored
    assert len(read_journal(path)) == BLOCKS + len(EXTRA)


def test_a_round_does_not_ask_for_ever_for_what_cannot_be_computed(tmp_path: Path) -> None:
    calls: list[int] = []

    def stubborn(run: Run) -> Sequence[Block]:
        calls.append(len(calls))
        return [POISON]

    outcome = run(tiny_spec(), tmp_path / "a.run", measure=poisoned, next_round=stubborn)
    assert len(calls) == 1
    assert len(outcome.quarantined) == 1


def starving(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
    """One block has no memory."""
    if block == POISON:
        message = "3 GiB"
        raise MemoryError(message)
    return numbers(spec, inputs, block)


def test_a_block_without_memory_is_tried_in_smaller_units_then_given_up_with_advice(tmp_path: Path) -> None:
    outcome = run(tiny_spec(), tmp_path / "a.run", measure=starving)
    (quarantine,) = outcome.quarantined
    assert quarantine.unit.blocks == (POISON,)
    assert "out of memory alone on node" in quarantine.error
    assert "lower sweep.width or data.count (MemoryError: 3 GiB" in quarantine.error
    counts = [line["count"] for line in read_log(tmp_path / "a.run") if line["event"] == "unit_failed"]
    assert counts == [3, 2, 1, 1]
    assert outcome.computed_blocks == BLOCKS - 1


def test_a_failure_is_told_with_its_point_its_traceback_and_how_to_see_it_again(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    spec = tiny_spec(sweep={"width": [4, 8], "trials": 12, "seed": [3, 5]})
    outcome = run(spec, path, measure=poisoned)
    first, last = failures(outcome)
    assert "failed 3 times: seed = 3: trials at width 8, block 2: FloatingPointError: a line and another" in first
    assert f"remeasure('{path}', 'trials', 0, 8, 2)" in first
    assert "--address inline" in first
    log = Path(last.removeprefix("tracebacks: "))
    tracebacks = [line.get("traceback", "") for line in map(json.loads, log.read_text().splitlines())]
    assert any("in poisoned" in text and "FloatingPointError: a line\nand another" in text for text in tracebacks)
    with pytest.raises(IncompleteError, match=r"1 blocks could not .* the first, seed = 3: trials at width 8, block 2"):
        require_complete(outcome)


def test_nothing_is_told_of_a_complete_run(tmp_path: Path) -> None:
    outcome = run(tiny_spec(), tmp_path / "a.run")
    assert failures(outcome) == []
    require_complete(outcome)


def test_a_block_is_measured_again_to_the_numbers_that_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    execute(tiny_spec(), path, address="inline")
    again = remeasure(path, "trials", 0, 8, 1)["nngp"]
    np.testing.assert_array_equal(open_results(path)["trials"]["nngp"].sel(width=8).values[4:8], again)


def test_shards_change_no_bit(tmp_path: Path) -> None:
    spec = tiny_spec(limit={"samples": 2**16, "replicates": 2})
    one, two = tmp_path / "one.run", tmp_path / "two.run"
    execute(spec, one, address="inline")
    execute(spec, two, address="inline", shards=2)
    assert tree_hash(one) == tree_hash(two)
    assert read_journal(two).keys() == read_journal(one).keys()
    lines = [line for file in (two / "journal").iterdir() for line in file.read_text().splitlines()]
    assert len(lines) == BLOCKS  # every block by one member


def half_poisoned(
    spec: Spec, inputs: Sequence[np.ndarray], block: Block, shard: Shard | None = None
) -> Mapping[str, np.ndarray]:
    """Limits whose last member fails by itself while the first waits for it."""
    if shard is not None and shard.index:
        message = "half"
        raise FloatingPointError(message)
    if shard is not None:
        shard.exchange.gather(np.zeros(1, np.uint8))
    return numbers(spec, inputs, block)


def test_a_thread_that_fails_keeps_nobody_waiting_and_its_error_is_told(tmp_path: Path) -> None:
    spec = tiny_spec(limit={"samples": 2**16, "replicates": 2})
    outcome = run(spec, tmp_path / "a.run", shards=2, measure=half_poisoned)
    assert ["FloatingPointError: half" in quarantine.error for quarantine in outcome.quarantined] == [True, True]


@pytest.mark.parametrize(("shards", "message"), [(0, "shards: 0 is below 1"), (3, "limit.samples: 64 .* 3 shards")])
def test_shards_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, shards: int, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        run(tiny_spec(), tmp_path / "a.run", shards=shards)
    assert list(tmp_path.iterdir()) == []
