"""BlockSet: a set of blocks at one byte each, since a run may have millions."""

from collections.abc import Iterable, Iterator, Set

from widthwise.plan.units import Block, Kind


class BlockSet(Set[Block]):
    """Compares and combines with other sets of blocks; iterates in the order of blocks."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self._held: dict[tuple[Kind, int, int], bytearray] = {}
        self._length = 0
        for block in blocks:
            self.add(block)

    def add(self, block: Block) -> None:
        """Take in ``block``."""
        flags = self._held.setdefault((block.kind, block.point, block.width), bytearray())
        if len(flags) <= block.index:
            flags.extend(bytes(block.index + 1 - len(flags)))
        self._length += not flags[block.index]
        flags[block.index] = 1

    def __contains__(self, block: object) -> bool:
        if not isinstance(block, Block):
            return False
        flags = self._held.get((block.kind, block.point, block.width), b"")
        return 0 <= block.index < len(flags) and flags[block.index] == 1

    def __iter__(self) -> Iterator[Block]:
        for address, flags in sorted(self._held.items()):
            yield from (Block(*address, index) for index, flag in enumerate(flags) if flag)

    def __len__(self) -> int:
        return self._length
