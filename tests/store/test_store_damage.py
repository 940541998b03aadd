"""Bit rot: every damaged, cut, emptied, deleted or exchanged chunk is noticed by all readers and computed again."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from store_driver import EVERY_GROUP, LAYOUT, RECORD, blocks_of, drive, files_of, measure

from widthwise import store
from widthwise.errors import CorruptError
from widthwise.plan.units import Block
from widthwise.store.codec import encode


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def forge(file: Path) -> None:
    """A well-formed chunk with other numbers: the checksum inside it is right."""
    file.write_bytes(encode(np.ones((1, 1, 1, 4))))


DAMAGES: tuple[Callable[[Path], None], ...] = (flip, truncate, empty, forge, Path.unlink)
VICTIM = Block("trials", 4, 16, 0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("damage") / "a.run"
    drive(path, LAYOUT)
    return path


@pytest.fixture
def path(finished: Path, tmp_path: Path) -> Iterator[Path]:
    return shutil.copytree(finished, tmp_path / "a.run")


def chunk(path: Path, block: Block, readout: str) -> Path:
    return path / "results.zarr" / store.chunk_keys(LAYOUT, block)[readout]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_chunk_is_noticed_and_computed_again(
    finished: Path, path: Path, damage: Callable[[Path], None]
) -> None:
    damage(chunk(path, VICTIM, "loss"))
    blocks = blocks_of(LAYOUT)
    assert set(blocks) - store.completed(path, LAYOUT, blocks) == {VICTIM}
    key = store.chunk_keys(LAYOUT, VICTIM)["loss"]
    problems = store.check_run(path)
    assert problems
    assert all(problem.startswith((key, "trials/trial_count: counts")) for problem in problems)
    with pytest.raises(CorruptError, match=f"{key}: .*; run the same command again") as caught:
        store.open_results(path)
    assert "\n" not in str(caught.value)
    assert drive(path, LAYOUT) == 1
    assert store.tree_hash(path, EVERY_GROUP) == store.tree_hash(finished, EVERY_GROUP)
    assert store.check_run(path) == []


def test_exchanged_chunks_are_noticed_and_computed_again(finished: Path, path: Path) -> None:
    other = Block("trials", 5, 16, 0)
    one, two = chunk(path, VICTIM, "kernel"), chunk(path, other, "kernel")
    held = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(held)
    assert set(blocks_of(LAYOUT)) - store.completed(path, LAYOUT, blocks_of(LAYOUT)) == {VICTIM, other}
    assert (
        len([problem for problem in store.check_run(path) if "not the bytes that the journal states" in problem]) == 2
    )
    with pytest.raises(CorruptError):
        store.open_results(path)
    assert drive(path, LAYOUT) == 2
    assert store.tree_hash(path) == store.tree_hash(finished)


def test_a_chunk_of_a_block_that_no_line_names_is_computed_again(finished: Path, path: Path) -> None:
    shutil.rmtree(path / "journal")
    assert store.completed(path, LAYOUT, blocks_of(LAYOUT)) == set()
    assert (store.open_results(path)["trials"]["trial_count"] == 0).all()
    assert drive(path, LAYOUT) == len(blocks_of(LAYOUT))
    assert store.tree_hash(path) == store.tree_hash(finished)


def test_a_flipped_address_in_the_journal_confirms_nothing(path: Path) -> None:
    for file in (path / "journal").iterdir():
        file.write_bytes(file.read_bytes().replace(b'"point":4', b'"point":5'))
    wanted = {block for block in blocks_of(LAYOUT) if block.point == 4}
    assert set(blocks_of(LAYOUT)) - store.completed(path, LAYOUT, blocks_of(LAYOUT)) == wanted


def test_counts_stop_at_the_first_gap_and_never_exceed_what_was_asked(path: Path) -> None:
    counts = store.open_results(path)["trials"]["trial_count"]
    assert counts.dims == ("model.activation", "model.depth", "width")
    assert counts["width"].values.tolist() == [16, 64]
    assert (counts.sel(width=64) == 6).all()
    assert (counts.sel(width=16) == 4).all()
    _forget(path, Block("trials", 0, 64, 0))
    _forget(path, Block("trials", 1, 64, 1))
    live = store.open_results(path)["trials"]["trial_count"].sel(width=64).values.ravel()
    assert live.tolist() == [0, 4, 6, 6, 6, 6]
    assert any("trial_count" in problem for problem in store.check_run(path))
    store.finish(store.open_run(path))
    assert store.check_run(path) == []


def test_a_damaged_coordinate_or_count_is_found_and_rebuilt(finished: Path, path: Path) -> None:
    for key in ("trials/width/c/1", "trials/trial_count/c/0/0/0", "limit/replicate/c/0", "exact/model.depth/c/0"):
        flip(path / "results.zarr" / key)
        assert any(key.rpartition("/c/")[0] in problem for problem in store.check_run(path))
        with pytest.raises(CorruptError, match="run the same command again"):
            store.open_results(path)
        store.finish(store.open_run(path))
        assert store.check_run(path) == []
    assert store.tree_hash(path) == store.tree_hash(finished)


def test_a_coordinate_exchanged_for_another_is_found(path: Path) -> None:
    width = path / "results.zarr/trials/width/c"
    (width / "0").write_bytes((width / "1").read_bytes())
    assert any("trials/width: coordinate does not match run.json" in problem for problem in store.check_run(path))
    with pytest.raises(CorruptError, match=r"trials/width: \[16 16\] does not match run.json"):
        store.open_results(path)


def test_a_missing_store_is_one_line(path: Path) -> None:
    shutil.rmtree(path / "results.zarr")
    with pytest.raises(CorruptError, match="missing"):
        store.open_results(path)
    shutil.rmtree(path / "journal")
    with pytest.raises(CorruptError, match=r"results\.zarr/trials cannot be read .*; run the same command again"):
        store.open_results(path)
    assert store.check_run(path) != []


def test_an_unfinished_run_is_no_damage_and_its_gaps_are_not_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    store.create_run(path, RECORD, LAYOUT)
    assert store.check_run(path) == []
    store.write_block(path, LAYOUT, VICTIM, measure(LAYOUT, VICTIM))
    assert store.check_run(path) == []
    tree = store.open_results(path)
    assert int(np.isfinite(tree["trials"]["loss"]).sum()) == LAYOUT.microbatch
    assert (tree["trials"]["trial_count"] == 0).all()


def test_reading_changes_nothing(path: Path) -> None:
    before = files_of(path)
    store.open_results(path)
    store.check_run(path)
    store.completed(path, LAYOUT, blocks_of(LAYOUT))
    assert files_of(path) == before


def test_the_tree_hash_sees_numbers_and_places_but_no_metadata(path: Path) -> None:
    before = store.tree_hash(path)
    (path / "results.zarr/trials/zarr.json").write_text("{}")
    (path / "results.zarr/trials/loss/.x.partial").write_text("half")
    assert store.tree_hash(path) == before
    assert store.tree_hash(path, EVERY_GROUP) != before
    chunk(path, VICTIM, "loss").rename(chunk(path, VICTIM, "loss").with_name("9"))
    moved = store.tree_hash(path)
    assert moved != before
    flip(chunk(path, VICTIM, "kernel"))
    assert store.tree_hash(path) not in {before, moved}


def test_leftovers_are_swept_and_nothing_else(path: Path) -> None:
    before = files_of(path)
    (path / "results.zarr/trials/.0.0f.partial").write_text("half")
    (path / ".run.json.0f.partial").write_text("half")
    (path / ".curves.0f.partial/value").mkdir(parents=True)
    beside = path.with_name(".a.run.0f.partial")
    beside.mkdir()
    (beside / "run.json").touch()
    foreign = path.with_name(".b.run.0f.partial")
    foreign.mkdir()
    assert store.sweep_leftovers(path) == 4
    assert files_of(path) == before
    assert not beside.exists()
    assert foreign.exists()
    assert store.sweep_leftovers(path) == 0


def _forget(path: Path, block: Block) -> None:
    """Take the lines of ``block`` out of the journal."""
    address = f'"point":{block.point},"width":{block.width},"index":{block.index}'.encode()
    for file in (path / "journal").iterdir():
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(line for line in lines if address not in line or block.kind.encode() not in line))
