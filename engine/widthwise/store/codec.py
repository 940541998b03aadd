"""The bytes of one chunk: zarr's own codecs, run in memory.

Encoding apart from the store lets a worker write a chunk without touching metadata, hash it before it reaches
the disk, and store the padded microbatch whose tail lies outside of the array.
"""

from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

COMPRESSORS = (ZstdCodec(), Crc32cCodec())
"""Without the checksum a flipped bit reads back as another number."""


def encode(values: np.ndarray[Any, Any]) -> bytes:
    """The file of a chunk that holds ``values``; equal values give equal bytes."""
    files: dict[str, Buffer] = {}
    _one_chunk(files, values.shape, values.dtype)[...] = values
    return files[only_key(values.ndim)].to_bytes()


def decode(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The inverse of ``encode``.

    Raises:
        ValueError: the bytes are not those of such a chunk (wrong checksum, length or codec).
    """
    buffer = default_buffer_prototype().buffer.from_bytes(data)
    try:
        return np.asarray(_one_chunk({only_key(len(shape)): buffer}, shape, dtype)[...])
    except Exception as error:  # every codec has exceptions of its own
        message = str(error).partition("\n")[0]
        raise ValueError(message) from error


def _one_chunk(files: dict[str, Buffer], shape: tuple[int, ...], dtype: np.dtype[Any]) -> zarr.Array[Any]:
    return zarr.create_array(
        MemoryStore(files),
        shape=shape,
        chunks=shape,
        dtype=dtype,
        compressors=COMPRESSORS,
        zarr_format=3,
        config={"write_empty_chunks": True},
    )


def only_key(dimensions: int) -> str:
    """The key, below its array, of the chunk of an array that has one chunk."""
    return "/".join(["c", *("0" for _ in range(dimensions))])
