"""Merging: every block once, in the order given, of what is complete; whole or not at all."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from store_driver import LAYOUT, RECORD, blocks_of, crashes, measure

from widthwise import store
from widthwise.errors import CorruptError, IdentityError, SpecError, StorageError
from widthwise.plan.units import Block
from widthwise.store import Journal, Layout, RunPath, merge_runs, run_path


def made(path: RunPath, seed: int, blocks: Iterable[Block], layout: Layout = LAYOUT, **fields: int) -> RunPath:
    """A run of one seed that holds ``blocks``; its numbers say which seed they are of."""
    spec = {**RECORD.spec, "seed": seed, "sweep": {"width": [16, 64], "trials": 6}, "limit": {"replicates": 2}}
    record = replace(RECORD, spec=spec, identity_fields={**RECORD.identity_fields, **fields, "seed": seed})
    run, journal = store.create_run(path, record, layout), Journal(path, "worker")
    for block in blocks:
        values = {name: array + 1000 * seed for name, array in measure(layout, block).items()}
        journal.record(block, store.write_block(path, layout, block, values), 0.5, 1)
    store.finish(run)
    return path


ALL = blocks_of(LAYOUT)


def test_seeds_stand_one_after_the_other(tmp_path: Path) -> None:
    gap = Block("trials", 3, 64, 1)
    one = made(tmp_path / "one.run", 1, ALL)
    two = made(tmp_path / "two.run", 2, [block for block in ALL if block != gap])
    run = merge_runs([one, two], tmp_path / "out.run")
    assert store.check_run(run.path) == []
    # Two blocks of width 64, of which one is complete at every point of the second; one block each of width 16.
    assert dict(zip(run.layout.widths, run.layout.trials, strict=True)) == {64: 12, 16: 8}
    assert run.layout.replicates == 4
    tree, first, second = (store.open_results(path) for path in (run.path, one, two))
    assert (tree["trials"]["trial_count"].sel(width=64) == 12).all()
    merged = tree["trials"]["loss"].sel(width=64).values
    np.testing.assert_array_equal(merged[..., :6], first["trials"]["loss"].sel(width=64).values)
    np.testing.assert_array_equal(merged[..., 8:12], second["trials"]["loss"].sel(width=64).values[..., :4])
    assert np.isfinite(merged).all()
    limits = [found["limit"]["kernel"].values for found in (first, second)]
    np.testing.assert_array_equal(tree["limit"]["kernel"].values, np.concatenate(limits, axis=2))
    np.testing.assert_array_equal(tree["exact"]["loss"].values, first["exact"]["loss"].values)
    assert run.record.identity_fields["seed"] == [1, 2]
    assert [said["seeds"] for said in run.record.merged] == [[1], [2]]
    assert store.open_run(run.path) == run
    there = merge_runs([one, two], run_path("memory://merge/seeds.run"))
    assert store.tree_hash(there.path) == store.tree_hash(run.path)
    other = merge_runs([two, one], tmp_path / "turned.run")
    assert store.tree_hash(other.path) != store.tree_hash(run.path)


def test_blocks_of_one_seed_are_united_and_gaps_stay(tmp_path: Path) -> None:
    gap = Block("limit", 0, 0, 1)
    parts = [[block for block in ALL if block != gap and hash(block.point) % 2 == part] for part in (0, 1)]
    shared = [*parts[1], parts[0][0]]
    one, two = made(tmp_path / "one.run", 1, parts[0]), made(tmp_path / "two.run", 1, shared)
    run = merge_runs([one, two], tmp_path / "out.run")
    assert store.completed(run.path, run.layout, ALL) == {*ALL} - {gap}
    assert run.record.identity == RECORD.identity
    assert run.record.identity_fields["seed"] == 1
    whole = made(tmp_path / "whole.run", 1, [block for block in ALL if block != gap])
    assert store.tree_hash(run.path) == store.tree_hash(whole)


def test_what_cannot_be_merged_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one.run", 1, ALL), made(tmp_path / "two.run", 2, ALL)
    out = tmp_path / "out.run"
    other = made(tmp_path / "other.run", 2, ALL, batch=7)
    with pytest.raises(IdentityError, match=r"in more than its seed: batch"):
        merge_runs([one, other], out)
    liar = made(tmp_path / "liar.run", 1, [])
    values = measure(LAYOUT, ALL[0])
    Journal(liar, "worker").record(ALL[0], store.write_block(liar, LAYOUT, ALL[0], values), 0.5, 1)
    with pytest.raises(IdentityError, match="different numbers for the same block"):
        merge_runs([one, liar], out)
    with pytest.raises(SpecError, match="at least two runs, each of them once"):
        merge_runs([one, one], out)
    with pytest.raises(SpecError, match="no such run"):
        merge_runs([one, tmp_path / "none.run"], out)
    with pytest.raises(StorageError, match="exists already"):
        merge_runs([one, two], one)
    (one / "results.zarr" / store.chunk_keys(LAYOUT, ALL[5])["loss"]).write_bytes(b"")
    with pytest.raises(CorruptError, match="problems, the first"):
        merge_runs([two, one], out)
    assert not out.exists()


@pytest.mark.slow
def test_a_seed_counts_once(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one.run", 1, ALL), made(tmp_path / "two.run", 2, ALL)
    both = merge_runs([one, two], tmp_path / "both.run").path
    with pytest.raises(SpecError, match="seed 1 is in several of the runs"):
        merge_runs([both, one], tmp_path / "out.run")
    three = merge_runs([both, made(tmp_path / "three.run", 3, ALL)], tmp_path / "out.run")
    assert three.record.identity_fields["seed"] == [1, 2, 3]
    assert dict(zip(three.layout.widths, three.layout.trials, strict=True)) == {64: 24, 16: 12}


@pytest.mark.slow
def test_a_merge_that_dies_leaves_nothing(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one.run", 1, ALL[:9]), made(tmp_path / "two.run", 1, ALL[9:20])
    out = tmp_path / "out/out.run"
    for at in (5, 60, 150):
        assert crashes(lambda: merge_runs([one, two], out), at)
        assert not out.exists()
    run = merge_runs([one, two], out)
    assert store.check_run(run.path) == []
