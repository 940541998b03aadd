"""What there is to compute: blocks (the grain of the store), spans of them, and units (what a worker has in hand)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["trials", "limit", "exact", "arithmetic"]


@dataclass(frozen=True, order=True)
class Block:
    """The address of one chunk of every readout: its numbers are a function of this and the spec's identity alone.

    ``point`` is the flat (row-major) index of the sweep point. ``width`` is 0 but for trials.
    ``index`` counts microbatches of trials, or replicates of the limit, and is 0 for exact and arithmetic.
    """

    kind: Kind
    point: int
    width: int
    index: int


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Neighbouring blocks of one kind, point and width: those of index ``first`` to ``first + count - 1``."""

    kind: Kind
    point: int
    width: int
    first: int
    count: int

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks in the order of their index."""
        return tuple(self.block(position) for position in range(self.count))

    def block(self, position: int) -> Block:
        """The block at a position from 0."""
        return Block(self.kind, self.point, self.width, self.first + position)

    def part(self, start: int, stop: int) -> "Span":
        """The blocks at the positions ``start`` to ``stop - 1``."""
        return Span(self.kind, self.point, self.width, self.first + start, stop - start)


@dataclass(frozen=True, slots=True)
class Unit:
    """A span that one worker computes in one go; its address alone says which it is.

    Blocks are computed one after the other, so that ``bytes`` are those of one block.
    """

    span: Span
    seconds: float = field(compare=False)
    bytes: int = field(compare=False)

    def __hash__(self) -> int:
        span = self.span
        return hash((span.point, span.width, span.first, span.count))  # asked for ten times a unit: no call of another

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Its blocks in the order in which they are computed."""
        return self.span.blocks


@dataclass(frozen=True, slots=True)
class Series:
    """The units that a span is cut into, ``length`` blocks each but for the last, which may be shorter.

    ``seconds`` and ``bytes`` are those of one block.
    """

    span: Span
    length: int
    seconds: float
    bytes: int

    @property
    def count(self) -> int:
        """Number of units."""
        return -(-self.span.count // self.length)

    def __iter__(self) -> Iterator[Unit]:
        for start in range(0, self.span.count, self.length):
            part = self.span.part(start, min(start + self.length, self.span.count))
            yield Unit(part, self.seconds * part.count, self.bytes)


def joined(blocks: Iterable[Block]) -> list[Span]:
    """The fewest spans that hold every one of ``blocks`` once, in order."""
    spans: list[Span] = []
    for block in sorted(blocks):
        last = spans[-1] if spans else None
        if last is not None and block == last.block(last.count):
            spans[-1] = Span(last.kind, last.point, last.width, last.first, last.count + 1)
        else:
            spans.append(Span(block.kind, block.point, block.width, block.index, 1))
    return spans
