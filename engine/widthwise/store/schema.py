"""Schema 1: the metadata and coordinates of the store, as files, from the record and the layout alone."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.errors import ZarrUserWarning
from zarr.storage import MemoryStore

from widthwise.experiments.experiment import Readout
from widthwise.plan.units import Kind
from widthwise.store.codec import COMPRESSORS, encode
from widthwise.store.layout import Axis, Layout, chunk_shape
from widthwise.store.record import SCHEMA_VERSION, RunRecord

METADATA = "zarr.json"
_INDICES_PER_CHUNK = 1024
"""Fixed, so that more trials add files to the coordinate and change none."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One array of the store."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    fill_value: float | int | str | bool
    attributes: Mapping[str, str | float]


def variables(layout: Layout, group: Kind) -> Iterator[Variable]:
    """Every array of a primary group: coordinates first, then the readouts."""
    yield from (_axis(axis) for axis in layout.axes)
    yield from (_readout_axis(axis) for axis in _readout_axes(layout))
    if group == "trials":
        yield _index("width", len(layout.widths), 1, "width of the network", "number of coordinates of each vector")
        yield _index("trial", max(layout.trials), _INDICES_PER_CHUNK, "trial", "index of an independent network")
        yield _trial_count(layout)
    if group == "limit":
        yield _index("replicate", layout.replicates, _INDICES_PER_CHUNK, "replicate", "index of an independent sample")
    yield from (_readout(layout, group, readout) for readout in layout.readouts)


def grown_lengths(layout: Layout, group: Kind) -> dict[str, int]:
    """The dimensions of a group that an extension lengthens."""
    if group == "trials":
        return {"width": len(layout.widths), "trial": max(layout.trials)}
    return {"replicate": layout.replicates} if group == "limit" else {}


def schema_files(record: RunRecord, layout: Layout) -> dict[str, bytes]:
    """``{key: bytes}`` of all metadata and coordinates; a larger layout only adds chunks to those of a smaller one."""
    store: dict[str, Buffer] = {}
    root = zarr.open_group(MemoryStore(store), mode="w", zarr_format=3, attributes=_root_attributes(record))
    for kind in layout.groups:
        group = root.create_group(kind, attributes=_GROUP_ATTRIBUTES[kind])
        for variable in variables(layout, kind):
            _create(group, variable)
    files = {key: buffer.to_bytes() for key, buffer in store.items()}
    return {**_coordinate_chunks(layout), **files}


def count_files(counts: npt.NDArray[np.int64]) -> dict[str, bytes]:
    """``{key: bytes}`` of the chunks of ``trial_count``, one per width."""
    zeros = "0/" * (counts.ndim - 1)
    columns = range(counts.shape[-1])
    return {f"trials/trial_count/c/{zeros}{column}": encode(counts[..., column : column + 1]) for column in columns}


def consolidated(files: Mapping[str, bytes]) -> bytes:
    """The root's metadata with that of all groups in ``files`` inlined."""
    prototype = default_buffer_prototype().buffer
    store: dict[str, Buffer] = {
        key: prototype.from_bytes(data) for key, data in files.items() if key.rpartition("/")[2] == METADATA
    }
    with warnings.catch_warnings():
        # Zarr warns that others may not read it: they read the groups' own metadata, which is there too.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(MemoryStore(store), zarr_format=3)
    return store[METADATA].to_bytes()


def axis_values(axis: Axis) -> np.ndarray[Any, Any]:
    """The coordinate of a swept key: booleans or numbers where all values are, else text."""
    values = np.asarray(axis.values)
    if values.dtype.kind in "biuf":
        return values
    return np.asarray([str(value) for value in axis.values], dtype=np.dtypes.StringDType())


def _coordinate_chunks(layout: Layout) -> dict[str, bytes]:
    axes = (*layout.axes, *_readout_axes(layout))
    files = {f"{kind}/{axis.name}/c/0": encode(axis_values(axis)) for kind in layout.groups for axis in axes}
    for column, width in enumerate(layout.widths):
        files[f"trials/width/c/{column}"] = encode(np.array([width], dtype=np.int64))
    for key, length in (("trials/trial", max(layout.trials)), ("limit/replicate", layout.replicates)):
        for chunk, start in enumerate(range(0, length, _INDICES_PER_CHUNK)):
            files[f"{key}/c/{chunk}"] = encode(np.arange(start, start + _INDICES_PER_CHUNK, dtype=np.int64))
    return files


def _create(group: zarr.Group, variable: Variable) -> None:
    group.create_array(
        variable.name,
        shape=variable.shape,
        chunks=variable.chunks,
        dtype=variable.dtype,
        fill_value=variable.fill_value,
        compressors=COMPRESSORS,
        dimension_names=variable.dims,
        attributes=dict(variable.attributes),
    )


def _readout(layout: Layout, group: Kind, readout: Readout) -> Variable:
    own = grown_lengths(layout, group)
    return Variable(
        name=readout.name,
        dims=(*(axis.name for axis in layout.axes), *own, *readout.dims),
        shape=(*layout.point_shape, *own.values(), *readout.shape),
        chunks=chunk_shape(layout, group, readout),
        dtype=np.dtype(np.float64),
        fill_value=np.nan,
        attributes={
            **_words(readout.long_name, readout.description, readout.units),
            "source": readout.source,
            **_unusual(readout),
        },
    )


def _unusual(readout: Readout) -> dict[str, float | str]:
    """How distances of the readout are taken and along what it is looked at, where that is not the usual way."""
    unusual: dict[str, float | str | None] = {
        "law": readout.law,
        "scale": readout.scale,
        "profile": readout.profile,
        "size": 1 if readout.size else None,
    }
    return {name: value for name, value in unusual.items() if value is not None}


def _readout_axes(layout: Layout) -> tuple[Axis, ...]:
    """The dimensions of readouts that have values."""
    values = {dim: own for readout in layout.readouts for dim, own in readout.coords.items()}
    return tuple(Axis(name=dim, values=own) for dim, own in values.items())


def _axis(axis: Axis, description: str = "swept key of the spec") -> Variable:
    values = axis_values(axis)
    return Variable(
        name=axis.name,
        dims=(axis.name,),
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype,
        fill_value=np.zeros((), dtype=values.dtype).item(),
        attributes=_words(axis.name, description),
    )


def _readout_axis(axis: Axis) -> Variable:
    return _axis(axis, "dimension of readouts")


def _index(name: str, length: int, chunk: int, long_name: str, description: str) -> Variable:
    return Variable(
        name=name,
        dims=(name,),
        shape=(length,),
        chunks=(chunk,),
        dtype=np.dtype(np.int64),
        fill_value=0,
        attributes=_words(long_name, description),
    )


def _trial_count(layout: Layout) -> Variable:
    return Variable(
        name="trial_count",
        dims=(*(axis.name for axis in layout.axes), "width"),
        shape=(*layout.point_shape, len(layout.widths)),
        chunks=(*layout.point_shape, 1),
        dtype=np.dtype(np.int64),
        fill_value=0,
        attributes=_words("completed trials", "number of trials without a gap, from index 0 on; only these count"),
    )


def _words(long_name: str, description: str, units: str = "1") -> dict[str, str]:
    return {"long_name": long_name, "units": units, "description": description}


def _root_attributes(record: RunRecord) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "widthwise_version": record.widthwise_version,
        "spec": json.dumps(record.spec),
        "identity": record.identity,
        "seed": record.spec.get("seed", 0),
        "created": record.created,
        "environment": json.dumps(record.environment),
        "matrices": json.dumps(record.matrices),
        **({"merged": json.dumps(record.merged)} if record.merged else {}),
    }


_GROUP_ATTRIBUTES: Mapping[Kind, dict[str, Any]] = {
    "trials": {"description": "readouts of networks of finite width; NaN where not (yet) computed"},
    "limit": {"description": "sampled readouts of the infinite-width limit, one per independent replicate"},
    "exact": {"description": "readouts of the infinite-width limit in closed form or by quadrature"},
    "arithmetic": {"description": "relative error of the readouts from the arithmetic of the run's dtype"},
}
