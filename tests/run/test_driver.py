"""execute in this process: what is computed, what is left alone, what is refused, with a quick fake measurement."""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from run_fakes import BLOCKS, POISON, interrupted_once, numbers, poisoned, tiny_spec

from widthwise.errors import (
    ClusterError,
    CorruptError,
    IdentityError,
    InterruptedRunError,
    SpecError,
    StorageError,
)
from widthwise.plan import Block
from widthwise.run import Progress, driver, execute, station
from widthwise.run import canary as canary_module
from widthwise.spec import Spec
from widthwise.store import Lock, check_run, is_free, open_results, open_run, read_journal, run_path, tree_hash

run = partial(execute, address="inline", measure=numbers)


def stamps(path: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}


def chunks(path: Path) -> list[Path]:
    return sorted(
        file
        for group in ("trials", "limit")
        for file in (path / "results.zarr" / group / "nngp" / "c").rglob("*")
        if file.is_file()
    )


@pytest.fixture
def made(tmp_path: Path) -> Path:
    run(tiny_spec(), tmp_path / "a.run")
    return tmp_path / "a.run"


def test_a_new_run_holds_every_block(tmp_path: Path) -> None:
    outcome = run(tiny_spec(), tmp_path / "a.run")
    assert (outcome.computed_blocks, outcome.skipped_blocks, outcome.quarantined) == (BLOCKS, 0, ())
    assert len(read_journal(tmp_path / "a.run")) == BLOCKS
    assert check_run(tmp_path / "a.run") == []
    trials = open_results(tmp_path / "a.run")["trials"]
    assert trials["trial_count"].values.tolist() == [12, 12]
    block = numbers(tiny_spec(), [], Block("trials", 0, 8, 1))["nngp"]
    np.testing.assert_array_equal(trials["nngp"].sel(width=8).values[4:8], block)


def test_a_finished_run_is_not_touched(made: Path) -> None:
    before = stamps(made)
    outcome = run(tiny_spec(), made)
    assert (outcome.computed_blocks, outcome.skipped_blocks) == (0, BLOCKS)
    assert stamps(made) == before


def test_progress_grows_to_the_end(tmp_path: Path) -> None:
    told: list[Progress] = []
    run(tiny_spec(), tmp_path / "a.run", on_progress=told.append)
    blocks = [progress.done_blocks for progress in told]
    assert blocks == sorted(blocks)
    assert (told[-1].done_blocks, told[-1].total_blocks) == (BLOCKS, BLOCKS)
    assert told[-1].done_units == told[-1].total_units
    assert told[-1].seconds_left == 0
    assert told[0].seconds_left is None
    assert {progress.total_blocks for progress in told} == {BLOCKS}


def test_a_damaged_and_a_deleted_chunk_are_computed_again_to_the_same_bytes(made: Path) -> None:
    before = tree_hash(made)
    first, second, *_ = chunks(made)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"?")
    assert run(tiny_spec(), made).computed_blocks == 2
    assert tree_hash(made) == before


def test_extending_computes_only_what_is_new_and_leaves_the_rest(made: Path) -> None:
    before = {file: stamps(made)[file] for file in chunks(made)}
    wider = tiny_spec(sweep={"width": [4, 8, 16], "trials": 16}, limit={"samples": 64, "replicates": 3})
    outcome = run(wider, made, extend=True)
    assert outcome.computed_blocks == 1 + 1 + 4 + 1
    assert {file: stamps(made)[file] for file in before} == before
    assert open_run(made).layout.widths == (4, 8, 16)
    assert check_run(made) == []
    assert run(wider, made).computed_blocks == 0


def test_extending_keeps_what_the_run_was_made_for(made: Path) -> None:
    outcome = run(tiny_spec(sweep={"width": [16], "trials": 4}), made, extend=True)
    assert (outcome.computed_blocks, outcome.skipped_blocks) == (1, BLOCKS)
    record = open_run(made).record
    assert record.spec["sweep"] == {"width": [4, 8, 16], "trials": {"4": 12, "8": 12, "16": 4}}


def test_trials_that_are_there_already_as_padding_only_count_more(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    run(tiny_spec(sweep={"width": [4], "trials": 9}), path)
    outcome = run(tiny_spec(sweep={"width": [4], "trials": 12}), path, extend=True, address="local")
    assert outcome.computed_blocks == 0
    assert open_results(path)["trials"]["trial_count"].values.tolist() == [12]


def test_more_is_refused_without_extend_and_less_is_not(made: Path) -> None:
    before = stamps(made)
    more = tiny_spec(sweep={"width": [4, 8, 16], "trials": 16}, limit={"samples": 64, "replicates": 3})
    with pytest.raises(IdentityError) as refused:
        run(more, made)
    for part in (
        "sweep.width: 16",
        "sweep.trials: 12 in the run, 16 in the spec at width 4",
        "limit.replicates: 2",
        "--extend",
    ):
        assert part in str(refused.value)
    assert run(tiny_spec(sweep={"width": [8], "trials": 4}), made).computed_blocks == 0
    assert stamps(made) == before


def test_another_spec_is_refused_by_name_of_the_keys(made: Path) -> None:
    before = stamps(made)
    with pytest.raises(IdentityError, match=r"seed: 0 in the run, 1 in the spec") as refused:
        run(tiny_spec(seed=1), made)
    assert "--fresh" in str(refused.value)
    assert stamps(made) == before


def test_fresh_starts_over(made: Path) -> None:
    outcome = run(tiny_spec(seed=1), made, fresh=True)
    assert (outcome.computed_blocks, outcome.skipped_blocks) == (BLOCKS, 0)
    assert open_run(made).record.spec["seed"] == 1


def test_fresh_spares_a_directory_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StorageError, match="no run directory"):
        run(tiny_spec(), tmp_path, fresh=True)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_poisoned_block_is_given_up_after_three_attempts_and_the_others_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    outcome = run(tiny_spec(), path, measure=poisoned)
    (quarantine,) = outcome.quarantined
    assert quarantine.unit.blocks == (POISON,)
    assert quarantine.block == POISON
    assert "in poisoned" in quarantine.traceback
    assert quarantine.attempts == 3
    assert quarantine.error.startswith("FloatingPointError: a line and another (run_fakes.py:")
    assert POISON not in read_journal(path)
    tree = open_results(path)
    assert tree["trials"]["trial_count"].values.tolist() == [12, 8]  # a gap, never fill values
    resumed = run(tiny_spec(), path)
    assert POISON in read_journal(path)
    assert not resumed.quarantined


def test_a_resumed_run_has_the_bytes_of_one_that_never_stopped(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.run"
    measure = partial(interrupted_once, tmp_path / "marker")
    handlers = signal.getsignal(signal.SIGTERM)
    with pytest.raises(InterruptedRunError, match="resume with: widthwise run b"):
        run(tiny_spec(), path, measure=measure, resume_command="widthwise run b")
    assert signal.getsignal(signal.SIGTERM) == handlers
    assert not (path / "run.lock").exists()
    there = len(read_journal(path))
    assert 0 < there < BLOCKS
    outcome = run(tiny_spec(), path, measure=measure)
    assert (outcome.computed_blocks, outcome.skipped_blocks) == (BLOCKS - there, there)
    assert tree_hash(path) == tree_hash(made)


def test_a_full_disk_ends_the_run_at_the_first_block_and_it_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.run"
    written: list[Block] = []

    def full(path: Path, layout: object, block: Block, values: object) -> dict[str, str]:
        written.append(block)
        message = f"{path}: No space left on device"
        raise StorageError(message)

    with monkeypatch.context() as patch:
        patch.setattr(station, "write_block", full)
        with pytest.raises(StorageError, match="No space left"):
            run(tiny_spec(), path)
    assert len(written) == 1
    assert run(tiny_spec(), path).computed_blocks == BLOCKS


def test_another_numeric_environment_is_refused_or_recorded(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wider = tiny_spec(sweep={"width": [4, 8, 16], "trials": 12})
    monkeypatch.setattr(canary_module.torch, "__version__", "99.0")
    with pytest.raises(IdentityError, match=r"torch: .* in the run, 99\.0 here"):
        run(wider, made, extend=True)
    assert "mixed" not in open_run(made).record.environment
    for widths in ([4, 8, 16], [4, 8, 16, 32]):
        run(tiny_spec(sweep={"width": widths, "trials": 12}), made, extend=True, allow_mixed=True)
    (mixed,) = open_run(made).record.environment["mixed"]
    assert mixed["torch"] == "99.0"
    assert json.loads((made / "run.json").read_text())["environment"]["mixed"] == [mixed]


def test_two_drivers_do_not_write_one_run(made: Path) -> None:
    wider = tiny_spec(sweep={"width": [16], "trials": 4})
    with Lock(made), pytest.raises(StorageError, match=rf"is being written by pid {os.getpid()}"):
        run(wider, made, extend=True)


def test_what_a_killed_writer_left_is_swept(made: Path) -> None:
    chunk = chunks(made)[0]
    leftover = chunk.with_name(f".{chunk.name}.0123456789ab.partial")
    chunk.rename(leftover)
    assert run(tiny_spec(), made).computed_blocks == 1
    assert not leftover.exists()


def test_corrupt_metadata_is_one_line(made: Path) -> None:
    (made / "run.json").write_text("{")
    with pytest.raises(CorruptError) as refused:
        run(tiny_spec(), made)
    assert "\n" not in str(refused.value)


def test_a_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"a\.run") as refused:
        run(tiny_spec(), tmp_path / "file" / "a.run")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": "ray://somewhere"}, r"address: 'ray://somewhere' is not known; allowed: local, auto, inline"),
        ({"workers": 0}, r"workers: 0 is below 1"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        run(tiny_spec(), tmp_path / "a.run", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_the_memory_of_this_process_takes_no_workers_of_others() -> None:
    path = run_path("memory://driver/a.run")
    with pytest.raises(SpecError, match=r"^memory://driver/a\.run: .* this process only; run it with --address inline"):
        run(tiny_spec(), path, address="local")
    assert is_free(path)


def test_without_a_cluster_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"address: nobody listens at 127\.0\.0\.1:1 ") as refused:
        run(tiny_spec(), tmp_path / "a.run", address="127.0.0.1:1")
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_measurement_has_the_threads_of_the_spec_and_they_are_given_back(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    seen: set[int] = set()

    def measure(spec: Spec, inputs: Sequence[np.ndarray], block: Block) -> Mapping[str, np.ndarray]:
        seen.add(torch.get_num_threads())
        return numbers(spec, inputs, block)

    run(tiny_spec(numerics={"microbatch": 4, "threads": threads + 1}), tmp_path / "a.run", measure=measure)
    assert seen == {threads + 1}
    assert torch.get_num_threads() == threads


def test_what_does_not_fit_into_memory_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "usable_bytes", lambda: 1)
    with pytest.raises(SpecError, match=r"needs .* and this machine has"):
        execute(tiny_spec(), tmp_path / "a.run", address="inline")
    assert list(tmp_path.iterdir()) == []
