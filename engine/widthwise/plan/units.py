"""What there is to compute: blocks (the grain of the store) and units (the runs of blocks handed to a worker)."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Unit:
    """A run of blocks of one kind, point and width that one worker computes in one go."""

    blocks: tuple[Block, ...]
    seconds: float
    bytes: int
