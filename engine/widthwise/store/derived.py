"""Derived groups: curves and verdicts, replaced whole."""

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from widthwise.store.codec import COMPRESSORS, only_key
from widthwise.store.files import disk_errors, remove_tree, temporary_beside, write_atomic
from widthwise.store.lifecycle import open_run
from widthwise.store.metadata import DERIVED, write_root
from widthwise.store.record import STORE
from widthwise.store.schema import schema_files


def write_derived(path: Path, group: str, dataset: xr.Dataset) -> None:
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
    # Beside the store, not in it: other readers warn about strangers inside the hierarchy.
    staging = temporary_beside(path / group)
    for key, data in files.items():
        write_atomic(staging / key, data)
    write_root(path, schema, without=group)
    old = temporary_beside(path / group)
    with disk_errors(target):
        if target.exists():
            os.rename(target, old)  # in one step: half a group would look like a damaged one
        os.rename(staging, target)
    write_root(path, schema)
    remove_tree(old)


def whole_groups(store: Path) -> list[str]:
    """The derived groups that the root names and that can be read."""
    return [group for group in DERIVED if _named(store, group) and not derived_problems(store, group)]


def derived_problems(store: Path, group: str) -> list[str]:
    """What is wrong with a derived group that the root names, one line each; a damaged root names none."""
    if not _named(store, group):
        return []
    try:
        arrays = sorted(zarr.open_group(store, path=group, mode="r").arrays())
    except Exception as error:  # zarr has exceptions of its own
        return [f"{group}: cannot be opened ({type(error).__name__})"]
    problems = ((name, _unreadable(array, store / group / name)) for name, array in arrays)
    return [f"{group}/{name}: {problem}" for name, problem in problems if problem is not None]


def _named(store: Path, group: str) -> bool:
    try:
        return group in zarr.open_group(store, mode="r", use_consolidated=True)
    except Exception:  # as above
        return False


def _unreadable(array: zarr.Array[Any], folder: Path) -> str | None:
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


def _files_below(folder: Path) -> dict[str, bytes]:
    with disk_errors(folder):
        found = (file for file in folder.rglob("*") if file.is_file())
        return dict(sorted((file.relative_to(folder).as_posix(), file.read_bytes()) for file in found))
