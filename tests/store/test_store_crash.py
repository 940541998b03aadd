"""Every store operation killed at every change of the disk, and resumed: the same tree in the end."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr
from store_driver import EVERY_GROUP, LARGER, RECORD, TINY, blocks_of, compute, crashes, derive, drive, files_of

from widthwise import store

BLOCK = blocks_of(TINY)[0]
BOTH = store.union(TINY, LARGER)


def killed_everywhere(start: Path, path: Path, action: Callable[[Path], object], verify: Callable[[Path], None]) -> int:
    """Kill ``action`` at its first, second, ... change of copies of ``start``; ``verify`` each; returns how many."""
    at = 1
    while True:
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(start, path)
        if not crashes(lambda: action(path / "a.run"), at):
            return at - 1
        verify(path / "a.run")
        at += 1


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run before it exists, created, computed, and finished."""
    root = tmp_path_factory.mktemp("crash")
    names = ("nothing", "created", "computed", "finished", "extended")
    stages = {name: root / name for name in names}
    for name, folder in stages.items():
        folder.mkdir()
        path = folder / "a.run"
        if name == "created":
            store.create_run(path, RECORD, TINY)
        if name == "computed":
            store.create_run(path, RECORD, TINY)
            for block in blocks_of(TINY):
                compute(path, TINY, block)
        if name in {"finished", "extended"}:
            drive(path, TINY)
        if name == "extended":
            drive(path, LARGER)
    return stages


def bytes_of(path: Path) -> dict[str, bytes]:
    return {key: data for key, (data, _) in files_of(path).items()}


def ends_like(path: Path, layout: store.Layout, goal: Path) -> None:
    drive(path, layout)
    assert store.tree_hash(path, EVERY_GROUP) == store.tree_hash(goal / "a.run", EVERY_GROUP)
    assert store.check_run(path) == []
    assert not list(path.parent.rglob("*.partial"))


def test_creating_is_all_or_nothing(stages: dict[str, Path], tmp_path: Path) -> None:
    def verify(path: Path) -> None:
        assert not path.exists() or store.open_run(path).layout == TINY

    killed = killed_everywhere(
        stages["nothing"], tmp_path / "work", lambda path: store.create_run(path, RECORD, TINY), verify
    )
    assert killed > 50
    shutil.rmtree(tmp_path / "work")
    shutil.copytree(stages["nothing"], tmp_path / "work")
    path = tmp_path / "work/a.run"
    assert crashes(lambda: store.create_run(path, RECORD, TINY), killed)
    ends_like(path, TINY, stages["finished"])


def test_writing_and_recording_a_block(stages: dict[str, Path], tmp_path: Path) -> None:
    def verify(path: Path) -> None:
        assert store.check_run(path) == []
        done = store.completed(path, TINY, blocks_of(TINY))
        store.open_results(path)
        assert done <= {BLOCK}
        ends_like(path, TINY, stages["finished"])

    killed = killed_everywhere(stages["created"], tmp_path / "work", lambda path: compute(path, TINY, BLOCK), verify)
    assert killed >= 8


def test_finishing(stages: dict[str, Path], tmp_path: Path) -> None:
    def verify(path: Path) -> None:
        assert store.check_run(path) == []
        ends_like(path, TINY, stages["finished"])

    killed = killed_everywhere(
        stages["computed"], tmp_path / "work", lambda path: store.finish(store.open_run(path)), verify
    )
    assert killed >= 4


def test_deriving_shows_the_old_group_or_none_or_the_new_one(stages: dict[str, Path], tmp_path: Path) -> None:
    old = store.open_results(stages["finished"] / "a.run")["curves"].to_dataset()
    new = old + 1
    seen: set[str] = set()
    shutil.copytree(stages["finished"], tmp_path / "goal")
    store.write_derived(tmp_path / "goal/a.run", "curves", new)
    goal = bytes_of(tmp_path / "goal/a.run")

    def verify(path: Path) -> None:
        tree = store.open_results(path)
        with xr.open_datatree(path / "results.zarr", engine="zarr") as raw:
            assert ("curves" in raw.children) == ("curves" in tree.children)
        if "curves" not in tree.children:
            seen.add("none")
        else:
            curves = tree["curves"].to_dataset()
            assert curves.equals(old) or curves.equals(new)
            seen.add("old" if curves.equals(old) else "new")
        store.write_derived(path, "curves", new)
        store.sweep_leftovers(path)
        assert bytes_of(path) == goal

    killed_everywhere(
        stages["finished"], tmp_path / "work", lambda path: store.write_derived(path, "curves", new), verify
    )
    assert seen == {"old", "none", "new"}


def test_extending_keeps_every_finished_block_readable(stages: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(stages["finished"], tmp_path / "goal")
    goal = store.extend_run(store.open_run(tmp_path / "goal/a.run"), RECORD, LARGER).path
    values = store.open_results(stages["finished"] / "a.run")["trials"]["loss"]

    def verify(path: Path) -> None:
        assert store.completed(path, TINY, blocks_of(TINY)) == set(blocks_of(TINY))
        assert store.open_run(path).layout in [TINY, BOTH]
        kept = store.open_results(path)["trials"]["loss"].sel(width=values["width"], trial=values["trial"])
        xr.testing.assert_equal(kept, values)
        store.extend_run(store.open_run(path), RECORD, LARGER)
        store.sweep_leftovers(path)
        assert bytes_of(path) == bytes_of(goal)

    killed = killed_everywhere(
        stages["finished"],
        tmp_path / "work",
        lambda path: store.extend_run(store.open_run(path), RECORD, LARGER),
        verify,
    )
    assert killed > 20
    ends_like(goal, LARGER, stages["extended"])


def test_a_cut_extension_given_up_leaves_the_old_run(stages: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "work/a.run"
    for at in (3, 17, 30):
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        shutil.copytree(stages["finished"], tmp_path / "work")
        assert crashes(lambda: store.extend_run(store.open_run(path), RECORD, LARGER), at)
        assert drive(path, TINY) == 0
        assert store.check_run(path) == []


def test_removing_leaves_a_run_or_leftovers(stages: dict[str, Path], tmp_path: Path) -> None:
    def verify(path: Path) -> None:
        if path.exists():
            assert store.tree_hash(path, EVERY_GROUP) == store.tree_hash(stages["finished"] / "a.run", EVERY_GROUP)

    killed = killed_everywhere(stages["finished"], tmp_path / "work", store.remove_run, verify)
    assert killed > 20


@pytest.mark.parametrize("seed", range(12))
def test_a_driver_killed_again_and_again_arrives(stages: dict[str, Path], tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    path = tmp_path / "a.run"
    for _ in range(6):
        crashes(lambda: drive(path, TINY), moments.randint(1, 120))
    for _ in range(3):
        crashes(lambda: drive(path, BOTH), moments.randint(1, 80))
    ends_like(path, BOTH, stages["extended"])


def test_what_derive_gives_is_what_the_stages_hold(stages: dict[str, Path]) -> None:
    path = stages["extended"] / "a.run"
    assert derive(path).equals(store.open_results(path)["curves"].to_dataset())
