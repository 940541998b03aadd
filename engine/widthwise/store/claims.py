"""Claims: what the journal says of each block, in a few hundred bytes a block."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from widthwise.plan.units import Block, Kind
from widthwise.store.journal import entries
from widthwise.store.layout import Layout, chunk_keys, holds
from widthwise.store.paths import RunPath

_SIGN_BYTES = 4
_NOTHING = b""
"""Of a line that names other chunks than those of its block: nothing on the disk equals it."""


class Claims(Mapping[Block, Sequence[bytes]]):
    """For each block the claims of its lines, see `claim`; iterates in the order of blocks."""

    def __init__(self) -> None:
        self._said: dict[tuple[Kind, int, int], dict[int, tuple[bytes, ...]]] = {}

    def add(self, block: Block, said: bytes) -> None:
        """Take in one line."""
        lines = self._said.setdefault((block.kind, block.point, block.width), {})
        known = lines.get(block.index, ())
        if said not in known:
            lines[block.index] = (*known, said)

    def __getitem__(self, block: Block) -> Sequence[bytes]:
        return self._said[block.kind, block.point, block.width][block.index]

    def __iter__(self) -> Iterator[Block]:
        for address, lines in sorted(self._said.items()):
            yield from (Block(*address, index) for index in sorted(lines))

    def __len__(self) -> int:
        return sum(map(len, self._said.values()))


def claims(path: RunPath, layout: Layout) -> Claims:
    """The claims of the journal about the blocks of ``layout``.

    Any line of the journal may confirm a block, since clocks of several hosts do not order their lines.
    """
    found = Claims()
    for entry in entries(path):
        if holds(layout, entry.block):
            found.add(entry.block, _stated(entry.chunks, list(chunk_keys(layout, entry.block).values())))
    return found


def claim(digests: Sequence[bytes]) -> bytes:
    """One hash over the sha256 of all chunks of a block, and the first bytes of each, to tell which one is wrong."""
    signs = b"".join(digest[:_SIGN_BYTES] for digest in digests)
    return hashlib.sha256(b"".join(digests)).digest() + signs


def contradicted(digests: Sequence[bytes], said: Sequence[bytes]) -> int:
    """The position of the first chunk that no claim of ``said`` states, 0 if each is in one but not together."""
    for position, digest in enumerate(digests):
        start = hashlib.sha256().digest_size + position * _SIGN_BYTES
        if all(claimed[start : start + _SIGN_BYTES] != digest[:_SIGN_BYTES] for claimed in said):
            return position
    return 0


def _stated(chunks: Mapping[str, str], keys: Sequence[str]) -> bytes:
    if chunks.keys() != set(keys):
        return _NOTHING
    try:
        return claim([bytes.fromhex(chunks[key]) for key in keys])
    except ValueError:
        return _NOTHING
