"""Compare the metadata and coordinates on the disk with what ``run.json`` makes them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from widthwise.store.layout import Layout
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath, for_zarr
from widthwise.store.record import RunRecord
from widthwise.store.schema import METADATA, consolidated, schema_files

_REBUILD = "run the same command again to rebuild it"


def metadata_problems(store: RunPath, record: RunRecord, layout: Layout) -> Iterator[str]:
    """Missing files, and arrays whose shape, chunks, codecs or coordinate values are not the layout's, one line each.

    Both sides are compared as zarr understands them, not as text, and attributes are left out: another version of
    zarr or of widthwise may word them differently.
    """
    files = schema_files(record, layout)
    files[METADATA] = consolidated(files)
    buffer = default_buffer_prototype().buffer
    expected = zarr.open_group(MemoryStore({key: buffer.from_bytes(data) for key, data in files.items()}), mode="r")
    keys = sorted(files)
    for key, is_there in zip(keys, in_parallel(store, lambda key: (store / key).is_file(), keys), strict=True):
        if not is_there:
            yield f"{key}: missing; {_REBUILD}"
    for use_consolidated in (True, False):
        try:
            actual = zarr.open_group(for_zarr(store), mode="r", use_consolidated=use_consolidated)
        except Exception as error:  # zarr has exceptions of its own
            yield f"{METADATA}: cannot be opened ({type(error).__name__}); {_REBUILD}"
            return
        yield from _differences(expected, actual, layout)


def _differences(expected: zarr.Group, actual: zarr.Group, layout: Layout) -> Iterator[str]:
    for kind in layout.groups:
        for name, array in sorted(expected.require_group(kind).arrays()):
            problem = _difference(array, actual, f"{kind}/{name}")
            if problem is not None:
                yield f"{kind}/{name}: {problem}; {_REBUILD}"


def _difference(expected: zarr.Array[Any], root: zarr.Group, key: str) -> str | None:
    try:
        actual = root[key]
        if not isinstance(actual, zarr.Array) or _form(actual) != _form(expected):
            return "metadata does not match run.json"
        if expected.metadata.to_dict().get("dimension_names") == (expected.basename,) and not _equal(actual, expected):
            return "coordinate does not match run.json"
    except Exception as error:  # zarr and its codecs have exceptions of their own
        return f"cannot be read ({type(error).__name__})"
    return None


def _equal(actual: zarr.Array[Any], expected: zarr.Array[Any]) -> bool:
    return np.array_equal(np.asarray(actual[...]), np.asarray(expected[...]))


def _form(array: zarr.Array[Any]) -> dict[str, Any]:
    return {key: value for key, value in array.metadata.to_dict().items() if key != "attributes"}
