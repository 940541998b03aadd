"""Shard: one reading computed by several members of a group, each on its own slice of the coordinates."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import ProgramError, ShardLostError, SpecError
from widthwise.randomness import BLOCK

SHARD_SECONDS = 120.0
"""How long the members of a group wait for one of them before they give it up."""

HEADER = 32
"""Bytes in front of every part, which say what it is of."""


class Exchange(Protocol):
    """What one member of a group gives to all and gets from all."""

    def gather(self, part: np.ndarray) -> list[np.ndarray]:
        """The parts of all members in the order of their indices, this one included; of bytes, one-dimensional.

        Every member calls it equally often. The parts that meet are those of the same call.

        Raises:
            ShardLostError: a member stays away for longer than the time-out of the exchange.
        """
        ...


@dataclass(frozen=True, eq=False)
class Shard:
    """Member ``index`` of a group of ``count`` that computes together; ``exchange`` is its own access to the others."""

    index: int
    count: int
    exchange: Exchange


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice:
    """The coordinates ``first``, ``first + 1``, ..., ``size`` of them, that a member has.

    An axis along which vectors lie one after the other, as positions do, has a multiple of ``size``; no other axis has.
    """

    shard: Shard
    size: int
    calls: Iterator[int] = field(default_factory=itertools.count)

    @property
    def count(self) -> int:
        """Members of the group."""
        return self.shard.count

    @property
    def first(self) -> int:
        """Where it begins among all coordinates."""
        return self.shard.index * self.size

    def holds(self, length: int) -> bool:
        """Whether an axis of this length is one of coordinates."""
        return length > 0 and length % self.size == 0

    def gather(self, of: str, part: Tensor) -> Tensor:
        """The parts of all members, (member, *part.shape).

        Args:
            of: what it is a part of; the same word on all members.
            part: of one shape and dtype on all members.

        Raises:
            ShardLostError: a member stayed away, or has come to another place of the program.
        """
        own = np.ascontiguousarray(part.detach().cpu().numpy())
        call = f"{next(self.calls)} {of} {own.shape} {own.dtype} {self.size}"
        header = np.frombuffer(hashlib.shake_256(call.encode()).digest(HEADER), np.uint8)
        parts = self.shard.exchange.gather(np.concatenate([header, own.reshape(-1).view(np.uint8)]))
        strangers = [i for i, each in enumerate(parts) if not np.array_equal(each[:HEADER], header)]
        if strangers or len(parts) != self.count:
            message = (
                f"shard {self.shard.index}: out of step with shard {', '.join(map(str, strangers))} of {self.count} at "
                f"call {call!r}; the group starts again"
            )
            raise ShardLostError(message)
        numbers = np.stack([each[HEADER:].view(own.dtype).reshape(own.shape) for each in parts])
        return torch.from_numpy(numbers).to(part.device)


_HERE: ContextVar[Slice | None] = ContextVar("slice", default=None)


def here() -> Slice | None:
    """The slice that averages are gathered from now; None where all coordinates are in this process."""
    return _HERE.get()


@contextmanager
def standing(slice_: Slice) -> Iterator[None]:
    """Within, `here` is this slice."""
    token = _HERE.set(slice_)
    try:
        yield
    finally:
        _HERE.reset(token)


def whole(length: int) -> int:
    """How long an axis of this length is, that of coordinates over all members."""
    slice_ = here()
    return length * slice_.count if slice_ is not None and slice_.holds(length) else length


def require_here(slice_: Slice | None, constant: Sequence[int]) -> None:
    """Refuse numbers of a space that shards share, and constant axes, where averages would not know of it.

    Raises:
        ProgramError: averages now are over other coordinates, or a constant axis is as long as one of coordinates.
    """
    if slice_ is None:
        return
    if slice_ is not here():
        message = "space: is shared by shards; run the program within `with space.together():`"
        raise ProgramError(message)
    long = next((length for length in constant if slice_.holds(length)), None)
    if long is not None:
        message = (
            f"matrix: {long} constant features could be coordinates of one of {slice_.count} shards; use one shard"
        )
        raise ProgramError(message)


def require_agreement(slice_: Slice, readouts: Mapping[str, Tensor]) -> None:
    """Refuse readouts that are not the same numbers on every shard.

    Raises:
        ProgramError: names those that differ.
    """
    for name, value in readouts.items():
        digest = hashlib.sha256(value.detach().cpu().contiguous().numpy().tobytes()).digest()
        every = slice_.gather(f"readout {name}", torch.frombuffer(bytearray(digest), dtype=torch.uint8))
        if not bool((every == every[0]).all()):
            message = (
                f"program: {name} differs between {slice_.count} shards; along the coordinates use avg, gram, outer "
                "and matrices only, or run it with one shard"
            )
            raise ProgramError(message)


def slice_of(shard: Shard, samples: int) -> Slice:
    """The slice of ``samples`` that a member has.

    Raises:
        SpecError: see `require_shards`.
    """
    require_shards(samples, shard.count)
    return Slice(shard=shard, size=samples // shard.count)


def require_shards(samples: int, count: int) -> None:
    """Refuse a number of members that would cut through a block of random numbers.

    Raises:
        SpecError: ``samples`` is no multiple of ``count`` times 2**15.
    """
    if samples % (count * BLOCK):
        message = (
            f"limit.samples: {samples} coordinates cannot be shared by {count} shards, which take a multiple of "
            f"{count} * {BLOCK} = {count * BLOCK}; choose another number of samples or of shards"
        )
        raise SpecError(message)
