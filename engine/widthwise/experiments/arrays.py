"""Arrays from files that nobody vouches for: .npy, .npz, .csv and zarr, without pickle."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import zarr
import zarr.errors

from widthwise.errors import SpecError

PLAIN_CODECS = frozenset(
    {"blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "gzip", "lz4", "lzma", "sharding_indexed", "shuffle", "zstd"}
    | {"transpose", "zlib"}
)
"""Codecs that only move bytes; numcodecs also knows ``pickle``, which would run what the file says."""


def read_array(path: str, name: str | None) -> np.ndarray:
    """The array of a file, or the variable ``name`` of an .npz file or a zarr store.

    Raises:
        SpecError: there is no such file or variable, its format is unknown, or it is damaged.
    """
    file = Path(path)
    if not file.exists():
        message = f"data.path: {path} does not exist; a relative path starts at the spec's directory"
        raise SpecError(message)
    read = _zarr if file.is_dir() else _READERS.get(file.suffix) if file.is_file() else None
    if read is None:
        message = f"data.path: {path} is of no known format; allowed: .npy, .npz, .csv, a zarr directory"
        raise SpecError(message)
    if name is not None and read in (_npy, _csv):
        message = f"data.name: {name!r} has no meaning for {file.suffix}, which holds one array"
        raise SpecError(message)
    try:
        return read(file, name)
    except (ValueError, TypeError, KeyError, EOFError, OSError, MemoryError, RuntimeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        message = f"data.path: {path} cannot be read ({reason}); a plain array of real numbers is needed"
        raise SpecError(message) from None


def _npy(path: Path, name: str | None) -> np.ndarray:
    # Mapped, so that a header which promises more than the file holds is refused before memory is taken.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _npz(path: Path, name: str | None) -> np.ndarray:
    # Opened here: numpy leaves the file of a damaged archive open.
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        if not isinstance(archive, Mapping):
            message = "it is no archive of arrays"
            raise ValueError(message)  # noqa: TRY004 - one more way in which the file is not what its name says
        return np.asarray(archive[_chosen(list(archive), name)])


def _csv(path: Path, name: str | None) -> np.ndarray:
    if not path.read_bytes().strip():
        message = "it is empty"
        raise ValueError(message)
    return np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64, encoding="utf-8")


def _zarr(path: Path, name: str | None) -> np.ndarray:
    try:
        node = zarr.open(path, mode="r")
    except (FileNotFoundError, zarr.errors.NodeTypeValidationError):
        message = f"data.path: {path} is a directory without zarr metadata; allowed: .npy, .npz, .csv, a zarr directory"
        raise SpecError(message) from None
    if isinstance(node, zarr.Group):
        node = node[_chosen([key for key, _ in node.arrays()] if name is None else [name], name)]
    if not isinstance(node, zarr.Array):
        message = f"data.name: {name!r} is a group of {path}, not an array"
        raise SpecError(message)
    foreign = _codecs(node.metadata.to_dict()) - PLAIN_CODECS
    if foreign:
        message = f"it uses the codec {', '.join(sorted(foreign))}"
        raise ValueError(message)
    return np.asarray(node[...])


def _codecs(metadata: object) -> set[str]:
    """Names of all codecs, compressors and filters in the metadata of an array, at any depth."""
    if isinstance(metadata, list | tuple):
        return set().union(*(_codecs(entry) for entry in metadata))
    if not isinstance(metadata, Mapping):
        return set()
    listed = [entry for key in ("codecs", "index_codecs") for entry in metadata.get(key) or ()]
    names = [entry.get("name") if isinstance(entry, Mapping) else entry for entry in listed]
    own = {str(name).removeprefix("numcodecs.") for name in (*names, metadata.get("id")) if name is not None}
    return own.union(*(_codecs(entry) for key, entry in metadata.items() if key != "attributes"))


def _chosen(names: list[str], name: str | None) -> str:
    if name is None and len(names) == 1:
        return names[0]
    if name is None or name not in names:
        problem = "is missing" if name is None else f"{name!r} is not in the file"
        message = f"data.name: {problem}; allowed: {', '.join(sorted(names)) or 'nothing, the file holds no array'}"
        raise SpecError(message)
    return name


_READERS: Mapping[str, Callable[[Path, str | None], np.ndarray]] = {".npy": _npy, ".npz": _npz, ".csv": _csv}
