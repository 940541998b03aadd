"""Layout: what a run stores, and the chunk that holds each block."""

import math
from dataclasses import dataclass, replace

from widthwise.experiments.experiment import Readout
from widthwise.plan.units import Block, Kind

Scalar = bool | int | float | str

PRIMARY: tuple[Kind, ...] = ("trials", "limit", "exact", "arithmetic")
"""The groups whose chunks workers compute; all other groups are derived from these."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A swept key, such as ``model.activation``, and its values: one dimension of every group."""

    name: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The shape of a run: sweep axes, widths in store order, requested trials per width, replicates and readouts.

    There are no ``replicates`` where there is no limit.

    ``axes`` and ``readouts``, ``microbatch`` and ``exact`` never change; ``union`` lets the rest grow.
    """

    axes: tuple[Axis, ...]
    widths: tuple[int, ...]
    trials: tuple[int, ...]
    microbatch: int
    replicates: int
    readouts: tuple[Readout, ...]
    exact: bool

    @property
    def point_shape(self) -> tuple[int, ...]:
        """Number of values of each swept axis; a flat point index is row-major in it."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def points(self) -> int:
        """Number of sweep points."""
        return math.prod(self.point_shape)

    @property
    def groups(self) -> tuple[Kind, ...]:
        """The groups of this run: ``exact`` only where a closed form is known, ``limit`` only where there is one."""
        absent = {"exact": not self.exact, "limit": not self.replicates}
        return tuple(kind for kind in PRIMARY if not absent.get(kind, False))


def union(old: Layout, new: Layout) -> Layout:
    """What holds both: widths of ``old`` then the new ones, the larger number of trials and of replicates.

    Never shrinks, so that ``union(old, new) == old`` says that ``new`` asks for nothing more.
    """
    requested = dict(zip(old.widths, old.trials, strict=True))
    for width, trials in zip(new.widths, new.trials, strict=True):
        requested[width] = max(trials, requested.get(width, 0))
    return replace(
        old,
        widths=tuple(requested),
        trials=tuple(requested.values()),
        replicates=max(old.replicates, new.replicates),
    )


def holds(layout: Layout, block: Block) -> bool:
    """Whether ``block`` is one of those that ``layout`` asks for."""
    if block.kind not in layout.groups or not 0 <= block.point < layout.points:
        return False
    if block.kind == "trials":
        requested = dict(zip(layout.widths, layout.trials, strict=True))
        return 0 <= block.index * layout.microbatch < requested.get(block.width, 0)
    length = layout.replicates if block.kind == "limit" else 1
    return block.width == 0 and 0 <= block.index < length


def block_shape(layout: Layout, block: Block, readout: Readout) -> tuple[int, ...]:
    """Shape of the array that a worker hands over: a whole microbatch of trials, else one replicate."""
    return (layout.microbatch if block.kind == "trials" else 1, *readout.shape)


def chunk_shape(layout: Layout, kind: Kind, readout: Readout) -> tuple[int, ...]:
    """Shape of one chunk of ``readout`` in the group ``kind``: the block, with length 1 along every other dimension."""
    along = {"trials": (1, layout.microbatch), "limit": (1,), "exact": (), "arithmetic": ()}[kind]
    return (*(1 for _ in layout.axes), *along, *readout.shape)


def unravel(layout: Layout, point: int) -> tuple[int, ...]:
    """The index along every swept axis of the flat, row-major ``point``."""
    indices: list[int] = []
    for length in reversed(layout.point_shape):
        point, index = divmod(point, length)
        indices.append(index)
    return tuple(reversed(indices))


def chunk_keys(layout: Layout, block: Block) -> dict[str, str]:
    """``{readout: key below results.zarr}`` of the chunks that hold ``block``."""
    along: tuple[int, ...] = ()
    if block.kind == "trials":
        along = (layout.widths.index(block.width), block.index)
    elif block.kind == "limit":
        along = (block.index,)
    indices = (*unravel(layout, block.point), *along)
    return {readout.name: _key(block.kind, readout, indices) for readout in layout.readouts}


def _key(group: str, readout: Readout, indices: tuple[int, ...]) -> str:
    inner = (0,) * len(readout.shape)
    return "/".join([group, readout.name, "c", *(str(index) for index in (*indices, *inner))])
