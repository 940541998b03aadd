"""Write one block: every readout's chunk, whole or not at all."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from widthwise.errors import ProgramError
from widthwise.experiments.experiment import Readout
from widthwise.plan.units import Block
from widthwise.store.codec import encode
from widthwise.store.files import write_atomic
from widthwise.store.layout import Layout, block_shape, chunk_keys, chunk_shape
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath
from widthwise.store.record import STORE


def write_block(
    path: RunPath, layout: Layout, block: Block, values: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, str]:
    """Encode and write the chunks of ``block`` in the run directory ``path``.

    Args:
        path: the run directory; only chunk files below its store are touched, so many workers may write at once.
        layout: the layout of the run.
        block: the address.
        values: one array per readout, shape ``(microbatch, *readout.shape)`` for trials, else ``(1, *readout.shape)``.

    Returns:
        ``{chunk key: sha256 of its file}``, which the journal records.

    Raises:
        ProgramError: readouts are missing, unknown or have another shape.
        StorageError: disk full or not writable; old chunks are intact.
    """
    _require_readouts(layout, values)
    chunks = {readout.name: _encoded(layout, block, readout, values[readout.name]) for readout in layout.readouts}
    keys = chunk_keys(layout, block)
    for _ in in_parallel(path, lambda name: write_atomic(path / STORE / keys[name], chunks[name]), chunks):
        pass
    return {keys[name]: hashlib.sha256(data).hexdigest() for name, data in chunks.items()}


def _encoded(layout: Layout, block: Block, readout: Readout, values: np.ndarray[Any, Any]) -> bytes:
    array = np.asarray(values, dtype=np.float64)
    expected = block_shape(layout, block, readout)
    if array.shape != expected:
        message = f"readout {readout.name}: shape {array.shape} measured, {expected} declared; correct the experiment"
        raise ProgramError(message)
    return encode(array.reshape(chunk_shape(layout, block.kind, readout)))


def _require_readouts(layout: Layout, values: Mapping[str, object]) -> None:
    declared = sorted(readout.name for readout in layout.readouts)
    if sorted(values) != declared:
        message = f"readouts {sorted(values)} measured, {declared} declared; correct the experiment"
        raise ProgramError(message)
