"""write_block: the right numbers in the right place, whole or not at all."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from store_driver import LAYOUT, RECORD, TINY, blocks_of, failing, measure

from widthwise import store
from widthwise.errors import ProgramError, StorageError
from widthwise.plan.units import Block
from widthwise.store.layout import unravel


def test_xarray_reads_every_number_where_its_address_says(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    store.create_run(path, RECORD, LAYOUT)
    for block in blocks_of(LAYOUT):
        store.write_block(path, LAYOUT, block, measure(LAYOUT, block))
    with xr.open_datatree(path / "results.zarr", engine="zarr") as tree:
        for block in blocks_of(LAYOUT):
            for name, values in measure(LAYOUT, block).items():
                stored = tree[block.kind][name].values[unravel(LAYOUT, block.point)]
                if block.kind == "trials":
                    first = block.index * LAYOUT.microbatch
                    stored = stored[LAYOUT.widths.index(block.width), first : first + LAYOUT.microbatch]
                elif block.kind == "limit":
                    stored = stored[block.index : block.index + 1]
                else:
                    stored = stored[np.newaxis]
                np.testing.assert_array_equal(stored, values[: len(stored)])
        assert np.isnan(tree["trials"]["loss"].sel(width=16, trial=slice(4, 6))).all()
        assert not np.isnan(tree["trials"]["loss"].sel(width=64)).any()


def test_it_returns_the_hash_of_each_file(tmp_path: Path) -> None:
    block = Block("trials", 4, 16, 0)
    chunks = store.write_block(tmp_path, LAYOUT, block, measure(LAYOUT, block))
    assert set(chunks) == set(store.chunk_keys(LAYOUT, block).values())
    for key, digest in chunks.items():
        assert hashlib.sha256((tmp_path / "results.zarr" / key).read_bytes()).hexdigest() == digest


def test_single_precision_is_stored_as_double(tmp_path: Path) -> None:
    block = Block("limit", 0, 0, 0)
    narrow = {"loss": np.float32([0.1])}
    wide = {"loss": np.float64(narrow["loss"])}
    assert store.write_block(tmp_path, TINY, block, narrow) == store.write_block(tmp_path, TINY, block, wide)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"gain": np.zeros(4)},
        {"loss": np.zeros(4), "gain": np.zeros(4)},
        {"loss": np.zeros(3)},
        {"loss": np.zeros((4, 1))},
    ],
)
def test_readouts_other_than_declared_are_refused_before_anything_is_written(
    tmp_path: Path, values: dict[str, np.ndarray]
) -> None:
    with pytest.raises(ProgramError, match=r"measured, .* declared; correct the experiment"):
        store.write_block(tmp_path, TINY, Block("trials", 0, 64, 0), values)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_error_names_path_bytes_and_remedy_and_leaves_the_old_chunk(
    tmp_path: Path, call: str, code: int
) -> None:
    block, other = Block("trials", 0, 64, 0), Block("limit", 0, 0, 0)
    store.write_block(tmp_path, TINY, block, measure(TINY, block))
    before = store.tree_hash(tmp_path)
    target = other if call == "mkdir" else block
    with failing(call, code), pytest.raises(StorageError) as caught:
        store.write_block(tmp_path, TINY, target, {"loss": np.ones(4 if target is block else 1)})
    message = str(caught.value)
    assert store.chunk_keys(TINY, target)["loss"] in message
    assert os.strerror(code) in message
    assert "bytes needed" in message
    assert "\n" not in message
    assert store.tree_hash(tmp_path) == before
    assert not list(tmp_path.rglob("*.partial"))


_FILL = """
import os, sys
from pathlib import Path
import numpy as np
from store_driver import TINY, RECORD
from widthwise import store
from widthwise.errors import StorageError
from widthwise.plan.units import Block
path = Path(sys.argv[1]) / "a.run"
block = Block("trials", 0, 64, 0)
store.create_run(path, RECORD, TINY)
store.write_block(path, TINY, block, {"loss": np.zeros(4)})
before = store.tree_hash(path)
ballast = os.open(Path(sys.argv[1]) / "ballast", os.O_CREAT | os.O_WRONLY)
try:
    while True:
        os.write(ballast, bytes(512))
except OSError:
    pass
try:
    store.write_block(path, TINY, block, {"loss": np.random.default_rng(0).normal(size=4)})
except StorageError as error:
    print(error)
print(store.tree_hash(path) == before, store.check_run(path))
"""


def test_a_really_full_file_system_leaves_the_old_chunk(tmp_path: Path) -> None:
    mounted = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@" "$0"', str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*mounted, sys.executable, "-c", _FILL], env=environment, capture_output=True, text=True)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine lets no one mount a small file system")
    assert "No space left on device" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "True []"
