"""Derived groups: curves and verdicts, replaced whole."""

import os
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from widthwise.store.codec import COMPRESSORS, only_key
from widthwise.store.files import (
    disk_errors,
    files_below,
    read_file,
    remove_tree,
    temporary_beside,
    write_all_changed,
    write_atomic,
)
from widthwise.store.lifecycle import open_run
from widthwise.store.metadata import DERIVED, write_root
from widthwise.store.objects import ObjectPath
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath, for_zarr
from widthwise.store.record import STORE
from widthwise.store.schema import METADATA, schema_files


def write_derived(path: RunPath, group: str, dataset: xr.Dataset) -> None:
    """Replace the group ``curves`` or ``verdicts`` of the run ``path``; does nothing if it holds these bytes already.

    While files are exchanged the root does not name the group, so that a reader sees the old one, none or the new one.

    Args:
        path: the run directory.
        group: ``curves`` or ``verdicts``.
        dataset: equal datasets give equal bytes.

    Raises:
        ValueError: another group.
        StorageError: disk full or not writable.
    """
    if group not in DERIVED:
        message = f"group {group!r} is not derived; allowed: {', '.join(DERIVED)}"
        raise ValueError(message)
    run = open_run(path)
    schema = schema_files(run.record, run.layout)
    target = path / STORE / group
    files = _encoded(dataset)
    if _files_below(target) == files:
        write_root(path, schema)
        return
    hide, show = partial(write_root, path, schema, without=group), partial(write_root, path, schema)
    if isinstance(target, ObjectPath):
        _put(target, files, hide, show)
    else:
        _rename(target, files, hide, show)


def _rename(target: Path, files: Mapping[str, bytes], hide: Callable[[], None], show: Callable[[], None]) -> None:
    # Beside the store, not in it: other readers warn about strangers inside the hierarchy.
    beside = target.parent.parent / target.name
    staging, old = temporary_beside(beside), temporary_beside(beside)
    for key, data in files.items():
        write_atomic(staging / key, data)
    hide()
    with disk_errors(target):
        if target.exists():
            os.rename(target, old)  # in one step: half a group would look like a damaged one
        os.rename(staging, target)
    show()
    remove_tree(old)


def _put(target: ObjectPath, files: Mapping[str, bytes], hide: Callable[[], None], show: Callable[[], None]) -> None:
    """The group's own metadata go first and come last: without them no root names the group."""
    hide()
    (target / METADATA).unlink()
    target.remove()
    write_all_changed(target, {key: data for key, data in files.items() if key != METADATA})
    write_atomic(target / METADATA, files[METADATA])
    show()


def whole_groups(store: RunPath) -> list[str]:
    """The derived groups that the root names and that can be read."""
    return [group for group in DERIVED if _named(store, group) and not derived_problems(store, group)]


def derived_problems(store: RunPath, group: str) -> list[str]:
    """What is wrong with a derived group that the root names, one line each; a damaged root names none."""
    if not _named(store, group):
        return []
    try:
        arrays = sorted(zarr.open_group(for_zarr(store), path=group, mode="r").arrays())
    except Exception as error:  # zarr has exceptions of its own
        return [f"{group}: cannot be opened ({type(error).__name__})"]
    problems = ((name, _unreadable(array, store / group / name)) for name, array in arrays)
    return [f"{group}/{name}: {problem}" for name, problem in problems if problem is not None]


def _named(store: RunPath, group: str) -> bool:
    try:
        return group in zarr.open_group(for_zarr(store), mode="r", use_consolidated=True)
    except Exception:  # as above
        return False


def _unreadable(array: zarr.Array[Any], folder: RunPath) -> str | None:
    if not (folder / only_key(array.ndim)).is_file():
        return "missing"
    try:
        array[...]
    except Exception as error:  # every codec has exceptions of its own
        return f"cannot be decoded ({type(error).__name__})"
    return None


def _encoded(dataset: xr.Dataset) -> dict[str, bytes]:
    """``{key below the group: bytes}`` as xarray writes them."""
    stable = dataset.assign({name: _with_stable_text(variable) for name, variable in dataset.variables.items()})
    store: dict[str, Buffer] = {}
    encoding: dict[Hashable, dict[str, Any]] = {
        name: {"compressors": COMPRESSORS, "chunks": variable.shape} for name, variable in stable.variables.items()
    }
    stable.drop_encoding().to_zarr(
        MemoryStore(store), mode="w", zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True
    )
    return {key: buffer.to_bytes() for key, buffer in sorted(store.items())}


def _with_stable_text(variable: xr.Variable) -> xr.Variable:
    """Text of variable length: the zarr format does not settle the fixed-length one."""
    if variable.dtype.kind not in "UTO":
        return variable.to_base_variable()
    text = np.asarray(variable.values, dtype=np.dtypes.StringDType())
    return xr.Variable(variable.dims, text, variable.attrs)


def _files_below(folder: RunPath) -> dict[str, bytes | None]:
    files = files_below(folder)
    return dict(zip(files, in_parallel(folder, read_file, files.values()), strict=True))
