"""The OuterNonlin instruction: averages of a function of several coordinates, in tiles, with all derivatives."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces.gathered import taken
from widthwise.spaces.gram import summed
from widthwise.spaces.shard import whole

VALUES_AT_ONCE = 1 << 22
"""Values of psi that one tile holds, about 16 MB in float32."""

Psi = Callable[..., Tensor]

Orders = Callable[[int, int], Tensor]
"""``orders(count, length)``: random orders of ``length`` things, (replicate, count, length)."""


def outer(
    psi: Psi, x: Tensor, others: Sequence[Tensor], scalars: Sequence[Tensor], tuples: int | None, orders: Orders
) -> Tensor:
    """Averages of psi over tuples of coordinates of ``others``, for every coordinate of x.

    Derivatives are averages of the same kind, over tuples that hold x's coordinate in place of the one asked for: where
    an average is incomplete, every coordinate still has its gradient.

    Args:
        psi: see ``Space.outer``.
        x: shape (replicate, ..., coordinate).
        others: r vectors of the same layout.
        scalars: shape (replicate, ...).
        tuples: how many tuples to average over, or None for all.
        orders: makes random orders, to pair samples.
    """
    roles = Roles(indices=tuple(range(1 + len(others))), scalars=len(scalars))
    incomplete = tuples is not None and math.prod(whole(y.shape[-1]) for y in others) > tuples
    if not incomplete and any(whole(y.shape[-1]) > y.shape[-1] for y in others):
        message = f"outer: shards average over some tuples only, and {tuples} are all of them; ask for fewer"
        raise ProgramError(message)
    chosen = orders(len(others), tuples) if incomplete and tuples is not None else None
    return _average(psi, roles, chosen, (x, *others, *scalars))


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What the arguments of a function are: vectors, each over one of the indices 0, 1, ..., then scalars.

    Index 0 is that of the result, the average is over all others. Vectors of the same index move together.
    """

    indices: tuple[int, ...]
    scalars: int

    @property
    def order(self) -> int:
        """Number of indices that are averaged over."""
        return max(self.indices)


def _average(psi: Psi, roles: Roles, chosen: Tensor | None, arguments: tuple[Tensor, ...]) -> Tensor:
    value: Tensor = _Outer.apply(psi, roles, chosen, *arguments)
    return value


class _Context(Protocol):
    psi: Psi
    roles: Roles
    chosen: Tensor | None
    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...

    def save_for_forward(self, *tensors: Tensor) -> None: ...


class _Outer(torch.autograd.Function):
    """An average whose derivatives are averages, to every order."""

    @staticmethod
    def forward(psi: Psi, roles: Roles, chosen: Tensor | None, *arguments: Tensor) -> Tensor:
        return _value(psi, roles, chosen, [each.detach() for each in arguments])

    @staticmethod
    def setup_context(ctx: _Context, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.psi, ctx.roles, ctx.chosen, *arguments = inputs
        ctx.save_for_backward(*arguments)
        ctx.save_for_forward(*arguments)

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[3:]
        return (None, None, None, *(_gradient(ctx, k, gradient) if need else None for k, need in enumerate(needed)))

    @staticmethod
    def jvp(ctx: _Context, *tangents: Tensor | None) -> Tensor | None:
        parts = [_directional(ctx, k, tangent) for k, tangent in enumerate(tangents[3:]) if tangent is not None]
        return sum(parts[1:], parts[0]) if parts else None


def _gradient(ctx: _Context, position: int, gradient: Tensor) -> Tensor:
    """The gradient of argument ``position``, given that of the result: an average over the index of the result.

    The vectors of the result's index take the place of those of the argument's, and the gradient joins them.
    """
    vectors = len(ctx.roles.indices)
    own = ctx.roles.indices[position] if position < vectors else 0
    swapped = [{0: own, own: 0}.get(index, index) for index in ctx.roles.indices]
    roles = Roles(indices=(*swapped, own), scalars=ctx.roles.scalars)
    arguments = (*ctx.saved_tensors[:vectors], gradient, *ctx.saved_tensors[vectors:])
    psi = _derivative(ctx.psi, position, ctx.roles)
    averaged = _average(psi, roles, ctx.chosen, arguments)
    if position >= vectors:
        return summed(averaged)
    return averaged * (whole(gradient.shape[-1]) / whole(ctx.saved_tensors[position].shape[-1]))


def _directional(ctx: _Context, position: int, tangent: Tensor) -> Tensor:
    """What the result changes by, where argument ``position`` changes by ``tangent``."""
    vectors = len(ctx.roles.indices)
    is_vector = position < vectors
    indices = (*ctx.roles.indices, ctx.roles.indices[position] if is_vector else 0)
    tangent = tangent if is_vector else tangent[..., None].expand(*tangent.shape, ctx.saved_tensors[0].shape[-1])
    arguments = (*ctx.saved_tensors[:vectors], tangent, *ctx.saved_tensors[vectors:])
    psi = _along(ctx.psi, position, ctx.roles)
    return _average(psi, Roles(indices=indices, scalars=ctx.roles.scalars), ctx.chosen, arguments)


def _derivative(psi: Psi, position: int, roles: Roles) -> Psi:
    """``(arguments, gradient of psi) -> gradient of an argument``, elementwise; the gradient follows the vectors."""

    def derivative(*arguments: Tensor) -> Tensor:
        gradient, own, tile = _apart(arguments, roles)
        with torch.enable_grad():
            target = _over(own[position], tile)
            own[position] = target if target.requires_grad else target.requires_grad_()
            value = _over(psi(*own), tile)
            if not value.requires_grad:
                return torch.zeros_like(target)
            found: tuple[Tensor | None, ...] = torch.autograd.grad(
                value, own[position], gradient.expand_as(value), create_graph=True, allow_unused=True
            )
        return torch.zeros_like(target) if found[0] is None else found[0]

    return derivative


def _along(psi: Psi, position: int, roles: Roles) -> Psi:
    """``(arguments, tangent of an argument) -> tangent of psi``, elementwise; the tangent follows the vectors.

    Two reverse modes make a forward one, which torch cannot nest in that of the program.
    """

    def along(*arguments: Tensor) -> Tensor:
        tangent, own, tile = _apart(arguments, roles)

        def of_target(target: Tensor) -> Tensor:
            return _over(psi(*own[:position], target, *own[position + 1 :]), tile)

        value, pull = torch.func.vjp(of_target, _over(own[position], tile))[:2]
        push = torch.func.vjp(lambda cotangent: pull(cotangent)[0], torch.zeros_like(value))[1]
        found: Tensor = push(_over(tangent, tile))[0]
        return found

    return along


def _apart(arguments: Sequence[Tensor], roles: Roles) -> tuple[Tensor, list[Tensor], torch.Size]:
    """What follows the vectors, the arguments of psi itself, and the shape of all coordinate axes together."""
    vectors = len(roles.indices)
    tile = torch.broadcast_shapes(*(each.shape[-1 - roles.order :] for each in arguments))
    return arguments[vectors], [*arguments[:vectors], *arguments[vectors + 1 :]], tile


def _over(x: Tensor, tile: torch.Size) -> Tensor:
    """``x`` along all coordinates of a tile."""
    return x.expand(*x.shape[: -len(tile)], *tile)


def _value(psi: Psi, roles: Roles, chosen: Tensor | None, arguments: Sequence[Tensor]) -> Tensor:
    """The average, in tiles of `VALUES_AT_ONCE` values."""
    order, vectors = roles.order, arguments[: len(roles.indices)]
    scalars = [each[(..., *[None] * (order + 1))] for each in arguments[len(roles.indices) :]]
    sizes = [vectors[roles.indices.index(index)].shape[-1] for index in range(order + 1)]
    if chosen is not None:
        placed = [_chosen(x, index, order, chosen) for x, index in zip(vectors, roles.indices, strict=True)]
        sizes = [sizes[0], chosen.shape[-1], *[1] * (order - 1)]
        places = [0 if index == 0 else 1 for index in roles.indices]
    else:
        placed = [_spread(x, index, order) for x, index in zip(vectors, roles.indices, strict=True)]
        places = list(roles.indices)

    def rows(start: int, side: int) -> Tensor:
        """The average for the coordinates ``start``, ... of the result."""
        total: Tensor | None = None
        for corner in itertools.product([start], *(range(0, size, side) for size in sizes[1:])):
            block = [_block(x, index, corner[index], side, order) for x, index in zip(placed, places, strict=True)]
            tile = torch.Size(min(side, size - at) for size, at in zip(sizes, corner, strict=True))
            values = _over(psi(*block, *scalars), tile).detach()
            part = values.sum(tuple(range(-order, 0))) if order else values
            total = part if total is None else total.add_(part)
        assert total is not None
        return total / math.prod(sizes[1:])

    side = _side(vectors, order)
    return torch.cat([rows(start, side) for start in range(0, sizes[0], side)], -1)


def _spread(x: Tensor, index: int, order: int) -> Tensor:
    """The coordinate axis of ``x`` at its place among 1 + order of them."""
    return x.reshape(*x.shape[:-1], *[1] * index, x.shape[-1], *[1] * (order - index))


def _chosen(x: Tensor, index: int, order: int, orders: Tensor) -> Tensor:
    """The samples of ``x`` in the tuples, one axis for all averaged indices; all of them for the result's index.

    The first samples of a Sobol sequence are themselves evenly spread. Each further index takes the samples that
    follow those of the one before, in random order, since corresponding blocks of the sequence are not independent.
    """
    if index == 0:
        return _spread(x, 0, order)
    tuples = orders.shape[-1]
    samples = (orders[:, index - 1] + (index - 1) * tuples) % whole(x.shape[-1])
    return _spread(taken(x, samples.reshape(samples.shape[0], *[1] * (x.dim() - 2), tuples)), 1, order)


def _block(x: Tensor, index: int, start: int, side: int, order: int) -> Tensor:
    axis = index - 1 - order
    return x.narrow(axis, start, min(side, x.shape[axis] - start))


def _side(vectors: Sequence[Tensor], order: int) -> int:
    """Coordinates along each axis of a tile: psi has a value for every replicate and along the constant axes."""
    values = math.prod(torch.broadcast_shapes(*(x.shape[:-1] for x in vectors)))
    return max(1, int((VALUES_AT_ONCE / values) ** (1 / (1 + order))))
