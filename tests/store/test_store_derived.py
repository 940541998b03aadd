"""Derived groups: the same bytes for the same numbers, exchanged whole."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from store_driver import EVERY_GROUP, TINY, drive, files_of

from widthwise import store


def curves(text: type = str) -> xr.Dataset:
    """A dataset as a reduction makes it: text and numbers, a gap, attributes."""
    names = np.array(["kernel", "loss"], dtype=object if text is object else None)
    return xr.Dataset(
        {
            "value": (("readout", "width"), np.array([[1.5, np.nan], [0.0, -2.0]]), {"long_name": "the value"}),
            "value_low": (("readout",), np.arange(2)),
            "certain": (("readout",), np.array([True, False])),
            "nothing": ((), np.nan),
        },
        coords={"readout": names, "width": [16, 64]},
        attrs={"description": "made up"},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    drive(tmp_path / "a.run", TINY)
    return tmp_path / "a.run"


def test_what_is_written_is_read(path: Path) -> None:
    store.write_derived(path, "verdicts", curves())
    read = store.open_results(path)["verdicts"].to_dataset()
    assert read["readout"].values.tolist() == ["kernel", "loss"]
    xr.testing.assert_identical(read.drop_vars("readout"), curves().drop_vars("readout"))
    assert store.check_run(path) == []


def test_equal_datasets_give_equal_bytes_however_their_text_is_held(path: Path) -> None:
    store.write_derived(path, "verdicts", curves())
    before = files_of(path)
    store.write_derived(path, "verdicts", curves(object))
    store.write_derived(path, "verdicts", store.open_results(path)["verdicts"].to_dataset())
    assert files_of(path) == before


def test_a_new_group_leaves_nothing_of_the_old_one(path: Path) -> None:
    store.write_derived(path, "verdicts", curves())
    first = store.tree_hash(path, EVERY_GROUP)
    store.write_derived(path, "verdicts", curves().drop_vars("value")[["certain"]] + 1)
    assert "value_low" not in store.open_results(path)["verdicts"]
    store.write_derived(path, "verdicts", curves())
    assert store.tree_hash(path, EVERY_GROUP) == first


def test_only_derived_groups_can_be_replaced(path: Path) -> None:
    before = files_of(path)
    for group in ("trials", "limit", "", "../journal"):
        with pytest.raises(ValueError, match="is not derived; allowed: curves, verdicts"):
            store.write_derived(path, group, curves())
    assert files_of(path) == before


@pytest.mark.parametrize("damage", ["flip", "delete"])
def test_a_damaged_group_is_noticed_and_can_be_derived_again(path: Path, damage: str) -> None:
    store.write_derived(path, "verdicts", curves())
    file = path / "results.zarr/verdicts/value/c/0/0"
    data = bytearray(file.read_bytes())
    data[-6] ^= 1
    if damage == "flip":
        file.write_bytes(data)
    else:
        file.unlink()
    assert [problem for problem in store.check_run(path) if problem.startswith("verdicts/value: ")]
    assert set(store.open_results(path).children) == {"trials", "limit", "arithmetic", "curves"}
    store.write_derived(path, "verdicts", curves())
    assert store.check_run(path) == []


def test_damaged_metadata_of_a_derived_group_stops_no_one(path: Path) -> None:
    store.write_derived(path, "verdicts", curves())
    (path / "results.zarr/verdicts/value/zarr.json").write_text("{")
    assert store.check_run(path) != []
    assert drive(path, TINY) == 0
    assert "verdicts" not in store.open_results(path).children
    store.write_derived(path, "verdicts", curves())
    assert "verdicts" in store.open_results(path).children
    assert store.check_run(path) == []
