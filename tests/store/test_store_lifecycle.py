"""A run directory: created whole, opened with care, extended without touching what is done."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from store_driver import EVERY_GROUP, LARGER, LAYOUT, RECORD, TINY, drive, failing, files_of

from widthwise import store
from widthwise.errors import CorruptError, IdentityError, SpecError, StorageError, WidthwiseError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.run"


def test_a_new_run_is_read_back_as_it_was_made(path: Path) -> None:
    made = store.create_run(path, RECORD, LAYOUT)
    assert made == store.open_run(path) == store.Run(path=path, record=RECORD, layout=LAYOUT)
    assert sorted(found.name for found in path.iterdir()) == ["figures", "journal", "results.zarr", "run.json"]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "values",
    [("erf", "relu"), (1, 2), (0.5, 1, 1e300), (True, False), ("auto", 3), (0, 2**63), (0, 2**70)],
)
def test_axis_values_keep_their_types_in_the_record_and_read_back(path: Path, values: tuple[Any, ...]) -> None:
    layout = store.Layout(
        axes=(store.Axis(name="model.option", values=values),),
        **{name: getattr(TINY, name) for name in ("widths", "trials", "microbatch", "replicates", "readouts", "exact")},
    )
    run = store.create_run(path, RECORD, layout)
    read = run.layout.axes[0].values
    assert [(type(value), value) for value in read] == [(type(value), value) for value in values]
    stored = store.open_results(path)["trials"]["model.option"].values.tolist()
    assert stored == list(values) or stored == [str(value) for value in values]


def test_the_store_describes_itself(path: Path) -> None:
    drive(path, LAYOUT)
    with xr.open_datatree(path / "results.zarr", engine="zarr") as tree:
        assert tree.attrs["schema_version"] == 1
        assert json.loads(tree.attrs["spec"]) == RECORD.spec
        assert tree.attrs["identity"] == RECORD.identity
        assert tree.attrs["seed"] == 7
        assert json.loads(tree.attrs["environment"]) == RECORD.environment
        assert tree["trials"]["kernel"].dims == (
            "model.activation",
            "model.depth",
            "width",
            "trial",
            "kernel_0",
            "kernel_1",
        )
        assert tree["limit"]["loss"].dims == ("model.activation", "model.depth", "replicate")
        for group in store.PRIMARY:
            for variable in tree[group].to_dataset(inherit=False).variables.values():
                assert {"long_name", "units", "description"} <= set(variable.attrs)


def test_there_is_no_exact_group_where_no_closed_form_is_known(path: Path) -> None:
    store.create_run(path, RECORD, TINY)
    assert set(store.open_results(path).children) == {"trials", "limit", "arithmetic"}


@pytest.mark.parametrize("occupied", ["file", "directory"])
def test_nothing_that_exists_is_overwritten(path: Path, occupied: str) -> None:
    if occupied == "file":
        path.write_text("precious")
    else:
        path.mkdir()
        (path / "precious").touch()
    before = files_of(path.parent)
    with pytest.raises(StorageError, match=r"exists already; .* choose another --out"):
        store.create_run(path, RECORD, TINY)
    assert files_of(path.parent) == before


def test_an_empty_directory_and_missing_parents_will_do(path: Path) -> None:
    path.mkdir()
    store.create_run(path, RECORD, TINY)
    store.create_run(path.parent / "b" / "c.run", RECORD, TINY)


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "mkdir", "rename"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_an_unwritable_place_is_one_line_and_leaves_nothing(path: Path, call: str, code: int) -> None:
    with failing(call, code, at=1 if call == "rename" else 3), pytest.raises(StorageError, match="--out") as caught:
        store.create_run(path, RECORD, TINY)
    assert "\n" not in str(caught.value)
    assert not any(path.parent.iterdir())


def test_a_run_that_is_not_there_is_a_wrong_argument(path: Path) -> None:
    with pytest.raises(SpecError, match=r"a\.run: no such run"):
        store.open_run(path)


def edited(path: Path, **changes: object) -> None:
    fields = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**fields, **changes}))


def test_another_schema_is_another_identity(path: Path) -> None:
    store.create_run(path, RECORD, TINY)
    for other in (0, 2, "1", None):
        edited(path, schema_version=other)
        for reader in (store.open_run, store.open_results, store.check_run):
            with pytest.raises(IdentityError, match=r"schema .* reads schema 1; .*"):
                reader(path)


def test_every_damaged_byte_of_run_json_is_one_line(path: Path) -> None:
    store.create_run(path, RECORD, TINY)
    file = path / "run.json"
    data = file.read_bytes()
    for position in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[position] ^= 0x08
        file.write_bytes(damaged)
        if json_of(bytes(damaged)) == json_of(data):
            continue  # another kind of white space
        with pytest.raises((CorruptError, IdentityError)) as caught:
            store.open_run(path)
        assert "\n" not in str(caught.value)


def json_of(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


@pytest.mark.parametrize("content", [None, b"", b"[]", b"null", b"\xff", b'{"schema_version": 1}', b"[" * 100_000])
def test_a_missing_or_unreadable_run_json_is_corrupt(path: Path, content: bytes | None) -> None:
    store.create_run(path, RECORD, TINY)
    if content is None:
        (path / "run.json").unlink()
    else:
        (path / "run.json").write_bytes(content)
    with pytest.raises(CorruptError, match=r"run\.json .*; restore it from a copy, .*--fresh"):
        store.open_run(path)


@pytest.mark.parametrize("key", ["zarr.json", "trials/zarr.json", "limit/loss/zarr.json"])
def test_unreadable_metadata_is_corrupt_and_missing_metadata_is_rebuilt(path: Path, key: str) -> None:
    drive(path, TINY)
    file = path / "results.zarr" / key
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    for action in (store.open_run, store.open_results, store.check_run, lambda path: drive(path, TINY)):
        with pytest.raises(CorruptError, match=r"zarr\.json is damaged .* remove this file and run the same command"):
            action(path)
    file.unlink()
    assert store.check_run(path) != []
    assert drive(path, TINY) == 0
    assert file.read_bytes() == whole
    assert store.check_run(path) == []


def test_readable_but_wrong_metadata_is_found_and_rebuilt(path: Path) -> None:
    drive(path, TINY)
    for key in ("zarr.json", "trials/loss/zarr.json", "trials/width/zarr.json"):
        file = path / "results.zarr" / key
        whole = file.read_text()
        file.write_text(whole.replace("float64", "float32").replace("int64", "int32"))
        assert any("does not match run.json" in problem for problem in store.check_run(path))
        store.finish(store.open_run(path))
        assert file.read_text() == whole


def test_extending_equals_one_go_and_touches_no_chunk(path: Path) -> None:
    drive(path, TINY)
    before = {key: state for key, state in files_of(path).items() if "/c" in key and "/trial_count/" not in key}
    run = store.extend_run(store.open_run(path), RECORD, LARGER)
    after = files_of(path)
    assert {key: after[key] for key in before} == before
    assert store.open_run(path) == run
    assert run.layout == store.union(TINY, LARGER)
    computed = drive(path, LARGER)
    assert computed == 3  # the width 16, the second microbatch at 64, the second replicate
    assert {key: files_of(path)[key] for key in before if not key.startswith("results.zarr/curves")} == {
        key: state for key, state in before.items() if not key.startswith("results.zarr/curves")
    }
    one_go = path.parent / "one-go.run"
    drive(one_go, store.union(TINY, LARGER))
    assert store.tree_hash(path, EVERY_GROUP) == store.tree_hash(one_go, EVERY_GROUP)
    assert store.check_run(path) == []


def test_asking_for_less_shrinks_nothing(path: Path) -> None:
    drive(path, store.union(TINY, LARGER))
    before = files_of(path)
    store.extend_run(store.open_run(path), RECORD, TINY)
    assert drive(path, TINY) == 0
    assert files_of(path) == before


def test_a_finished_run_is_left_as_it_is(path: Path) -> None:
    drive(path, LAYOUT)
    before = files_of(path)
    assert drive(path, LAYOUT) == 0
    assert files_of(path) == before


def test_a_run_is_removed_but_nothing_else_is(path: Path) -> None:
    drive(path, TINY)
    with store.Lock(path), pytest.raises(StorageError, match="is being written by"):
        store.remove_run(path)
    store.remove_run(path)
    assert not any(path.parent.iterdir())
    path.mkdir()
    (path / "precious").touch()
    with pytest.raises(StorageError, match="no run directory"):
        store.remove_run(path)
    assert (path / "precious").exists()


def test_every_error_has_an_exit_code_of_the_table() -> None:
    codes = {error.__name__: error.exit_code for error in WidthwiseError.__subclasses__()}
    assert (codes["SpecError"], codes["IdentityError"], codes["CorruptError"], codes["StorageError"]) == (2, 3, 5, 74)
