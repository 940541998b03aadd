"""What the members of a group tell each other: sums over fixed blocks of coordinates, or some coordinates."""

from typing import Protocol

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces.shard import Slice, here, whole
from widthwise.spaces.unwatched import unwatched


def gathered(parts: Tensor, length: int) -> Tensor:
    """Sums of all blocks of an axis, along the last axis and in order, out of those of this process; differentiable.

    What is computed of all of them is the same on every shard, and so is its derivative: that of the sums of a shard
    is its own part of the derivative, without another word to the others.

    Args:
        parts: (..., block), of an axis of so many coordinates; blocks may be as short as one coordinate.
        length: of that axis here.
    """
    slice_ = here()
    if slice_ is None or not slice_.holds(length):
        return parts
    whole: Tensor = _Gather.apply(parts, slice_, length // slice_.size)
    return whole


def taken(x: Tensor, places: Tensor) -> Tensor:
    """The coordinates at some places among all of them, those of other shards included; no derivative is taken of it.

    Args:
        x: (replicate, ..., coordinate).
        places: (replicate, 1, ..., place).
    """
    slice_ = here()
    with unwatched():
        places = places.expand(*x.shape[:-1], -1)
        if slice_ is None or not slice_.holds(x.shape[-1]):
            return x.gather(-1, places)
        own = x.gather(-1, (places - slice_.first).clamp(0, slice_.size - 1))
        return slice_.gather("samples", own).gather(0, (places // slice_.size)[None])[0]


def first(x: Tensor, count: int) -> Tensor:
    """The first coordinates among all of them; all those here, if it is all there are. No derivative is taken of it.

    Args:
        x: (replicate, ..., coordinate).
        count: how many, as many on every shard.

    Raises:
        ProgramError: there would be as many as a shard has coordinates.
    """
    length, slice_ = x.shape[-1], here()
    if count == whole(length):
        return x
    if slice_ is None or not slice_.holds(length):
        return x[..., :count]
    if slice_.holds(count):
        message = f"samples: the first {count} could be coordinates of one of {slice_.count} shards; take fewer"
        raise ProgramError(message)
    return taken(x, torch.arange(count, device=x.device).reshape(*[1] * (x.dim() - 1), count))


class _Context(Protocol):
    slice: Slice
    runs: int


class _Gather(torch.autograd.Function):
    """Own parts to those of all members; ``runs`` vectors lie one after the other along the axis."""

    @staticmethod
    def forward(parts: Tensor, slice_: Slice, runs: int) -> Tensor:
        found = slice_.gather("sums", parts).unflatten(-1, (runs, -1))  # (member, ..., run, block)
        return found.movedim(0, -2).flatten(-3).contiguous()

    @staticmethod
    def setup_context(ctx: _Context, inputs: tuple[Tensor, Slice, int], output: Tensor) -> None:
        _, ctx.slice, ctx.runs = inputs

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Own.apply(gradient, ctx.slice, ctx.runs), None, None

    @staticmethod
    def jvp(ctx: _Context, tangent: Tensor, *_: None) -> Tensor:
        return _Gather.apply(tangent, ctx.slice, ctx.runs)


class _Own(torch.autograd.Function):
    """The other way round: own parts of what every member has."""

    @staticmethod
    def forward(whole: Tensor, slice_: Slice, runs: int) -> Tensor:
        return whole.unflatten(-1, (runs, slice_.count, -1))[..., slice_.shard.index, :].flatten(-2).contiguous()

    @staticmethod
    def setup_context(ctx: _Context, inputs: tuple[Tensor, Slice, int], output: Tensor) -> None:
        _, ctx.slice, ctx.runs = inputs

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Gather.apply(gradient, ctx.slice, ctx.runs), None, None

    @staticmethod
    def jvp(ctx: _Context, tangent: Tensor, *_: None) -> Tensor:
        return _Own.apply(tangent, ctx.slice, ctx.runs)
