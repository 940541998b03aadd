"""Which blocks are done: journalled, and every chunk file hashes to what the journal says."""

from collections.abc import Container, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from widthwise.plan.units import Block
from widthwise.store.blocks import BlockSet
from widthwise.store.claims import Claims, claim, claims, contradicted
from widthwise.store.files import sha256_of
from widthwise.store.layout import Layout, chunk_keys, unravel
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath
from widthwise.store.record import STORE


def completed(path: RunPath, layout: Layout, blocks: Iterable[Block]) -> BlockSet:
    """Those of ``blocks`` that need not be computed again.

    Every chunk file is hashed: a chunk that is damaged, deleted, truncated or swapped makes its block missing.
    """
    said = claims(path, layout)
    claimed = (block for block in blocks if block in said)
    return BlockSet(block for block, problem in examined(path, layout, claimed, said) if problem is None)


def examined(
    path: RunPath, layout: Layout, blocks: Iterable[Block], said: Claims
) -> Iterator[tuple[Block, str | None]]:
    """Each of ``blocks`` and why it is not done, in words; None if it is."""
    return in_parallel(path, lambda block: (block, damage(path, layout, block, said.get(block, ()))), blocks)


def damage(path: RunPath, layout: Layout, block: Block, said: Sequence[bytes]) -> str | None:
    """Why ``block``, of which the journal says ``said``, is not done, in words; None if it is."""
    keys = list(chunk_keys(layout, block).values())
    found = [sha256_of(path / STORE / key) for key in keys]
    digests = [bytes.fromhex(digest) for digest in found if digest is not None]
    if len(digests) < len(keys):
        return f"{keys[found.index(None)]}: missing"
    if claim(digests) in said:
        return None
    return f"{keys[contradicted(digests, said)]}: not the bytes that the journal states"


def trial_counts(layout: Layout, done: Container[Block]) -> npt.NDArray[np.int64]:
    """Requested trials before the first gap, shape ``(*axes, width)``: a pure function of which blocks are done."""
    counts = np.zeros((*layout.point_shape, len(layout.widths)), dtype=np.int64)
    for point in range(layout.points):
        for column, (width, requested) in enumerate(zip(layout.widths, layout.trials, strict=True)):
            index = 0
            while Block("trials", point, width, index) in done:
                index += 1
            counts[(*unravel(layout, point), column)] = min(index * layout.microbatch, requested)
    return counts
