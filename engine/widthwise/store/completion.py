"""Which blocks are done: journalled, and every chunk file hashes to what the journal says."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from widthwise.plan.units import Block
from widthwise.store.files import sha256_of
from widthwise.store.journal import entries
from widthwise.store.layout import Layout, chunk_keys, holds, unravel
from widthwise.store.record import STORE

Claims = Mapping[Block, list[Mapping[str, str]]]
"""What the lines of the journal say of each block: ``{chunk key: sha256}``, one per line."""


def claims(path: Path, layout: Layout) -> Claims:
    """The claims of the journal about the blocks of ``layout``."""
    found: defaultdict[Block, list[Mapping[str, str]]] = defaultdict(list)
    for entry in entries(path):
        if holds(layout, entry.block):
            found[entry.block].append(entry.chunks)
    return found


def completed(path: Path, layout: Layout, blocks: Iterable[Block]) -> set[Block]:
    """Those of ``blocks`` that need not be computed again.

    Every chunk file is hashed: a chunk that is damaged, deleted, truncated or swapped makes its block missing.
    Any line of the journal may confirm a block, since clocks of several hosts do not order their lines.
    """
    said = claims(path, layout)
    return {block for block in blocks if damage(path, layout, block, said.get(block, [])) is None}


def damage(path: Path, layout: Layout, block: Block, said: Collection[Mapping[str, str]]) -> str | None:
    """Why ``block`` is not done, in words; None if it is."""
    found = {key: sha256_of(path / STORE / key) for key in chunk_keys(layout, block).values()}
    if found in said:
        return None
    missing = [key for key, digest in found.items() if digest is None]
    if missing:
        return f"{missing[0]}: missing"
    stated = {item for chunks in said for item in chunks.items()}
    wrong = [key for key, digest in found.items() if (key, digest) not in stated]
    return f"{(wrong or list(found))[0]}: not the bytes that the journal states"


def trial_counts(layout: Layout, done: Collection[Block]) -> npt.NDArray[np.int64]:
    """Requested trials before the first gap, shape ``(*axes, width)``: a pure function of which blocks are done."""
    counts = np.zeros((*layout.point_shape, len(layout.widths)), dtype=np.int64)
    for point in range(layout.points):
        for column, (width, requested) in enumerate(zip(layout.widths, layout.trials, strict=True)):
            index = 0
            while Block("trials", point, width, index) in done:
                index += 1
            counts[(*unravel(layout, point), column)] = min(index * layout.microbatch, requested)
    return counts
