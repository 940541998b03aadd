"""The bytes of a chunk: zarr's own, deterministic, and never silently wrong."""

from pathlib import Path

import numpy as np
import pytest
import zarr

from widthwise.store.codec import COMPRESSORS, decode, encode

VALUES = np.random.default_rng(0).normal(size=(1, 4, 2))
FLOAT = np.dtype(np.float64)


@pytest.mark.parametrize("shape", [(), (1,), (3, 1), (1, 1, 4, 2, 2)])
def test_decoding_inverts_encoding(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_array_equal(decode(encode(values), shape, FLOAT), values)


def test_special_numbers_survive() -> None:
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    assert decode(encode(values), (5,), FLOAT).tobytes() == values.tobytes()
    assert len(encode(np.full(3, np.nan))) > 0


def test_equal_values_give_the_bytes_that_zarr_itself_writes(tmp_path: Path) -> None:
    array = zarr.create_array(
        tmp_path, shape=(2, 4, 2), chunks=(1, 4, 2), dtype="float64", fill_value=np.nan, compressors=COMPRESSORS
    )
    array[1:2] = VALUES
    assert (tmp_path / "c/1/0/0").read_bytes() == encode(VALUES) == encode(VALUES.copy())


def test_every_flipped_bit_is_noticed() -> None:
    data = encode(VALUES)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r".+"):
            decode(bytes(flipped), VALUES.shape, FLOAT)


def test_every_truncation_is_noticed() -> None:
    data = encode(VALUES)
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r".+"):
            decode(data[:length], VALUES.shape, FLOAT)


def test_a_chunk_of_another_shape_is_noticed() -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(encode(np.zeros(3)), (4,), FLOAT)
