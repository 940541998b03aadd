"""Runs on an object store: the same bytes as on a disk, whatever dies, is damaged or does not answer."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from object_faults import ALL, copied, dies, objects_of, requests
from obstore.exceptions import GenericError, PermissionDeniedError
from store_driver import EVERY_GROUP, LARGER, LAYOUT, RECORD, TINY, blocks_of, compute, derive, drive

from widthwise import store
from widthwise.errors import CorruptError, SpecError, StorageError
from widthwise.plan.units import Block
from widthwise.store import ObjectPath, run_path

BLOCK = blocks_of(TINY)[0]
BOTH = store.union(TINY, LARGER)
VICTIM = Block("trials", 4, 16, 0)
Act = Callable[[ObjectPath], object]


@pytest.fixture
def path(request: pytest.FixtureRequest) -> Iterator[ObjectPath]:
    place = run_path(f"memory://tests/{request.node.name}/a.run")
    assert isinstance(place, ObjectPath)
    yield place
    place.parent.remove()


@pytest.fixture(scope="module")
def goals(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Tree hashes of runs on a disk, by number of widths."""
    folder, hashes = tmp_path_factory.mktemp("goals"), {}
    for layout in (TINY, BOTH):
        path = folder / "a.run"
        drive(path, layout)
        hashes[len(layout.widths)] = store.tree_hash(path, EVERY_GROUP)
    return hashes


def ends_like(path: ObjectPath, layout: store.Layout, goals: dict[int, str]) -> None:
    drive(path, layout)
    assert store.tree_hash(path, EVERY_GROUP) == goals[len(layout.widths)]
    assert store.check_run(path) == []
    assert not list(path.rglob("*.partial"))


def killed_everywhere(start: ObjectPath, action: Act, verify: Act, *, after: bool) -> int:
    """Kill ``action`` at its first, second, ... change of copies of ``start``; ``verify`` each; returns how many."""
    work, at = start.parent / "work.run", 1
    while True:
        copied(start, work)
        if not dies(lambda: action(work), at, after=after):
            return at - 1
        verify(work)
        at += 1


def test_a_run_is_that_on_a_disk_and_resuming_it_touches_nothing(path: ObjectPath, tmp_path: Path) -> None:
    assert drive(path, LAYOUT) == drive(tmp_path / "a.run", LAYOUT)
    assert store.tree_hash(path, EVERY_GROUP) == store.tree_hash(tmp_path / "a.run", EVERY_GROUP)
    assert store.check_run(path) == []
    assert store.open_results(path).identical(store.open_results(tmp_path / "a.run"))
    before = objects_of(path)
    assert drive(path, LAYOUT) == 0
    assert objects_of(path) == before


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_creation_that_dies_is_no_run_and_hinders_none(path: ObjectPath, goals: dict[int, str], after: bool) -> None:
    def verify(work: ObjectPath) -> None:
        assert store.is_free(work) != (work / "run.json").exists()
        if store.is_free(work):
            with pytest.raises(SpecError, match="no such run"):
                store.open_run(work)
        made = store.create_run(work, RECORD, TINY) if store.is_free(work) else store.open_run(work)
        assert made.layout == TINY
        assert store.check_run(work) == []

    (path.parent / "nothing").write_bytes(b"")
    killed = killed_everywhere(path, lambda work: store.create_run(work, RECORD, TINY), verify, after=after)
    assert killed > 15
    assert dies(lambda: store.create_run(path, RECORD, LARGER), 8)
    ends_like(path, TINY, goals)  # nothing of the other layout is left


def test_a_block_that_dies_is_there_or_computed_again(path: ObjectPath, goals: dict[int, str]) -> None:
    store.create_run(path, RECORD, TINY)

    def verify(work: ObjectPath) -> None:
        assert store.check_run(work) == []
        assert store.completed(work, TINY, blocks_of(TINY)) <= {BLOCK}
        ends_like(work, TINY, goals)

    for after in (False, True):
        assert killed_everywhere(path, lambda work: compute(work, TINY, BLOCK), verify, after=after) == 2


@pytest.mark.slow
def test_deriving_shows_the_old_group_or_none_or_the_new_one(path: ObjectPath) -> None:
    drive(path, TINY)
    old = store.open_results(path)["curves"].to_dataset()
    new, seen = old + 1, set()

    def verify(work: ObjectPath) -> None:
        tree = store.open_results(work)
        curves = tree["curves"].to_dataset() if "curves" in tree.children else None
        seen.add("none" if curves is None else "old" if curves.equals(old) else "new")
        assert curves is None or curves.equals(old) or curves.equals(new)
        store.finish(store.open_run(work))
        assert store.check_run(work) == []
        store.write_derived(work, "curves", new)
        assert store.open_results(work)["curves"].to_dataset().equals(new)

    for after in (False, True):
        killed_everywhere(path, lambda work: store.write_derived(work, "curves", new), verify, after=after)
    assert seen == {"old", "none", "new"}


def test_extending_keeps_every_finished_block(path: ObjectPath, goals: dict[int, str]) -> None:
    drive(path, TINY)

    def verify(work: ObjectPath) -> None:
        assert store.completed(work, TINY, blocks_of(TINY)) == set(blocks_of(TINY))
        assert store.open_run(work).layout in [TINY, BOTH]
        store.open_results(work)

    act: Act = lambda work: store.extend_run(store.open_run(work), RECORD, LARGER)  # noqa: E731
    assert killed_everywhere(path, act, verify, after=False) > 6
    ends_like(path.parent / "work.run", BOTH, goals)


def test_removing_leaves_a_run_that_lacks_blocks_or_nothing(path: ObjectPath, goals: dict[int, str]) -> None:
    drive(path, TINY)

    def verify(work: ObjectPath) -> None:
        assert store.is_free(work) or store.open_run(work).layout == TINY

    assert killed_everywhere(path, store.remove_run, verify, after=False) > 20
    assert dies(lambda: store.remove_run(path), 20)
    ends_like(path, TINY, goals)
    store.remove_run(path)
    assert not path.exists()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12))])
def test_a_driver_that_dies_again_and_again_arrives(path: ObjectPath, goals: dict[int, str], seed: int) -> None:
    moments = random.Random(seed)
    for layout, count in ((TINY, 6), (BOTH, 3)):
        for _ in range(count):
            dies(lambda layout=layout: drive(path, layout), moments.randint(1, 60), after=moments.random() < 0.5)
    ends_like(path, BOTH, goals)


def flip(file: ObjectPath) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(bytes(data))


def truncate(file: ObjectPath) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def empty(file: ObjectPath) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        pytest.param(truncate, marks=pytest.mark.slow),
        pytest.param(empty, marks=pytest.mark.slow),
        ObjectPath.unlink,
    ],
)
def test_a_damaged_chunk_is_noticed_and_computed_again(path: ObjectPath, damage: Act) -> None:
    drive(path, LAYOUT)
    goal, key = store.tree_hash(path, EVERY_GROUP), store.chunk_keys(LAYOUT, VICTIM)["loss"]
    damage(path / "results.zarr" / key)
    blocks = blocks_of(LAYOUT)
    assert set(blocks) - store.completed(path, LAYOUT, blocks) == {VICTIM}
    assert any(problem.startswith(key) for problem in store.check_run(path))
    with pytest.raises(CorruptError, match=f"{key}: .*; run the same command again"):
        store.open_results(path)
    assert drive(path, LAYOUT) == 1
    assert store.tree_hash(path, EVERY_GROUP) == goal
    assert store.check_run(path) == []


def test_exchanged_chunks_are_noticed(path: ObjectPath) -> None:
    drive(path, LAYOUT)
    keys = [store.chunk_keys(LAYOUT, Block("trials", point, 16, 0))["kernel"] for point in (4, 5)]
    one, two = (path / "results.zarr" / key for key in keys)
    held = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(held)
    assert sum("not the bytes that the journal states" in problem for problem in store.check_run(path)) == 2
    assert drive(path, LAYOUT) == 2


def test_damaged_metadata_are_one_line(path: ObjectPath) -> None:
    drive(path, TINY)
    (path / "results.zarr/trials/zarr.json").write_bytes(b"{")
    with pytest.raises(CorruptError, match=r"^memory://\S+zarr\.json is damaged \(not JSON\); remove this file") as it:
        store.check_run(path)
    assert "\n" not in str(it.value)


def test_what_is_no_run_is_neither_overwritten_nor_removed(path: ObjectPath) -> None:
    (path / "precious").write_bytes(b"1")
    assert not store.is_free(path)
    with pytest.raises(StorageError, match="exists already"):
        store.create_run(path, RECORD, TINY)
    with pytest.raises(StorageError, match="no run directory"):
        store.remove_run(path)
    with pytest.raises(SpecError, match="no such run"):
        store.open_run(path.parent / "b.run")


def erring(error: Exception, at: int, *, lost_reply: bool = False) -> Callable[[Callable[[], object]], object]:
    """From the ``at``-th request on all fail; those with a lost reply have done what was asked."""
    count = 0

    def instead(real: Callable[[], object]) -> object:
        nonlocal count
        count += 1
        if count < at:
            return real()
        if lost_reply:
            real()
        raise error

    return instead


UNAVAILABLE = GenericError(
    "Generic S3 error: Error performing PUT http://store/b/a in 300s, after 30 retries - Server returned non-2xx "
    'status code: 503 Service Unavailable: <?xml version="1.0"?><Error><Code>SlowDown</Code></Error>\n\nDebug source:\n'
)


@pytest.mark.parametrize("lost_reply", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_store_that_stays_away_ends_in_one_line_and_nothing_is_lost(
    path: ObjectPath, goals: dict[int, str], lost_reply: bool
) -> None:
    def again_and_again() -> None:
        while True:  # until the request is reached
            drive(path, TINY)
            store.remove_run(path)

    for at in range(1, 80, 13):
        with (
            requests(erring(UNAVAILABLE, at, lost_reply=lost_reply)),
            pytest.raises(StorageError, match=r"503 Service Unavailable \(SlowDown\).*; run the same command") as it,
        ):
            again_and_again()
        assert "\n" not in str(it.value)
        assert "Debug" not in str(it.value)
        lock = path / "run.lock"
        if lock.is_file():  # the store was away when it was given back: as if the driver had died
            lock.unlink()
    ends_like(path, TINY, goals)


@pytest.mark.parametrize(
    "error",
    [
        PermissionDeniedError("403 Forbidden: <?xml ?><Error><Code>InvalidAccessKeyId</Code></Error>"),
        GenericError("400 Bad Request: <?xml ?><Error><Code>ExpiredToken</Code></Error>"),
        GenericError("Generic S3 error: Missing AccessKeyId"),
    ],
)
def test_expired_credentials_come_with_the_remedy_and_resume(
    path: ObjectPath, goals: dict[int, str], error: Exception
) -> None:
    store.create_run(path, RECORD, TINY)
    with (
        requests(erring(error, 2), ALL),
        pytest.raises(StorageError, match=r"; set valid credentials \(AWS_\*.*\) and run the same command again"),
    ):
        drive(path, TINY)
    ends_like(path, TINY, goals)


def test_what_derive_gives_is_stored(path: ObjectPath) -> None:
    drive(path, TINY)
    assert derive(path).equals(store.open_results(path)["curves"].to_dataset())
