"""What torch does along coordinates by itself: sums in derivatives, in fixed blocks and over all shards; nothing else.

An average that goes back into coordinates (a norm of a layer, the weights of an attention) has a derivative that is a
sum over coordinates, which automatic differentiation takes wherever torch stretched a number along them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from widthwise.errors import ProgramError
from widthwise.spaces.gram import STREAM, added, total
from widthwise.spaces.shard import Slice, here, standing
from widthwise.spaces.unwatched import unwatched

aten = torch.ops.aten

Operation = torch._ops.OpOverload


def whole_sums(length: int) -> AbstractContextManager[object]:
    """Where derivatives of kets are taken, of so many coordinates here: what they add is over all shards.

    In fixed blocks for any number of coordinates that could be shared by shards, for the same bits without any.
    """
    can_be_shared = length > STREAM and length % STREAM == 0
    return WholeSums(length) if here() is not None or can_be_shared else nullcontext()


@contextmanager
def together(slice_: Slice) -> Iterator[None]:
    """Within, averages are over the coordinates of all shards, in derivatives too, and nothing else is along them."""
    # Backward passes stay in this thread, which knows the slice, and so in the order in which all shards take them.
    with standing(slice_), torch.autograd.set_multithreading_enabled(False), NoOtherSums(slice_):
        yield


class _Mode(TorchDispatchMode):
    """Torch would take two seconds to load its compiler, to keep it away from a mode."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class WholeSums(_Mode):
    """Sums and products that add along axes of coordinates, ``length`` of them here, do so in fixed blocks."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self._length = length

    def __torch_dispatch__(
        self, func: Operation, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> object:
        """Every operation of torch within comes here."""
        found = None
        if func in _SUMS and _has(args[0], self._length):
            found = _summed(*args, **(kwargs or {}))
        elif func in _PRODUCTS and _has(args[0], self._length):
            found = _multiplied(*args)
        return func(*args, **(kwargs or {})) if found is None else found


class NoOtherSums(_Mode):
    """Refuses what is neither coordinate by coordinate nor an instruction of the language: each shard would go alone.

    The instructions themselves act on blocks, which are shorter than any slice.
    """

    def __init__(self, slice_: Slice) -> None:
        super().__init__()
        self._slice = slice_

    def __torch_dispatch__(
        self, func: Operation, types: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> object:
        """Every operation of torch within comes here."""
        if _is_along(func, args, self._slice.size):
            message = (
                f"program: {func} acts along the coordinates, which {self._slice.count} shards hold together; use avg, "
                "gram, outer and matrices only, or run it with one shard"
            )
            raise ProgramError(message)
        return func(*args, **(kwargs or {}))


_SUMS = frozenset({aten.sum.default, aten.sum.dim_IntList})

_PRODUCTS = frozenset({aten.mm.default, aten.bmm.default})

_ADDED_ALONG: Mapping[object, int] = {aten.mm: 0, aten.bmm: 0, aten.addmm: 1, aten.baddbmm: 1, aten.baddbmm_: 1}
"""Which argument of a product has the axis that it adds along last."""

_OVER_AXES = frozenset({aten.sum.dim_IntList, aten.mean.dim})
"""Operations whose second argument is what axes they are over."""

_APART = frozenset(
    {
        aten._to_copy,
        aten._unsafe_view,
        aten.alias,
        aten.as_strided,
        aten.cat,
        aten.clone,
        aten.constant_pad_nd,
        aten.copy_,
        aten.detach,
        aten.diagonal,
        aten.empty_like,
        aten.expand,
        aten.fill_,
        aten.full_like,
        aten.index,
        aten.lift_fresh,
        aten.new_empty,
        aten.new_empty_strided,
        aten.new_full,
        aten.new_ones,
        aten.new_zeros,
        aten.ones_like,
        aten.permute,
        aten.select,
        aten.select_backward,
        aten.slice,
        aten.slice_backward,
        aten.split,
        aten.split_with_sizes,
        aten.squeeze,
        aten.stack,
        aten.t,
        aten.transpose,
        aten.unbind,
        aten.unsqueeze,
        aten.view,
        aten.zero_,
        aten.zeros_like,
    }
)
"""Operations that move or make coordinates, beside those that act on each alone."""


def _is_along(func: Operation, args: Sequence[Any], length: int) -> bool:
    """Whether an operation does something along axes of coordinates, so many here."""
    if torch.Tag.pointwise in func.tags or func.overloadpacket in _APART:
        return False
    if func.overloadpacket in _ADDED_ALONG:
        return _has(args[_ADDED_ALONG[func.overloadpacket]], length)
    if func in _OVER_AXES and args[1] and -1 % args[0].dim() not in _axes(args[0], args[1]):
        return False
    return any(_has(each, length) for each in args)


def _has(argument: object, length: int) -> bool:
    if isinstance(argument, list | tuple):
        return any(_has(each, length) for each in argument)
    if not isinstance(argument, Tensor) or argument.numel() == 0:
        return False
    return argument.dim() > 0 and argument.shape[-1] % length == 0


def _axes(x: Tensor, dims: Sequence[int] | None) -> list[int]:
    return sorted(dim % x.dim() for dim in dims or range(x.dim()))


def _summed(
    x: Tensor, dims: Sequence[int] | None = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Tensor | None:
    """The sum over axes, the last one of coordinates among them; None if it is not."""
    axes = _axes(x, dims)
    if axes[-1] != x.dim() - 1:
        return None
    with unwatched():
        found = total(x, axes).to(dtype or x.dtype)
        return found.reshape([1 if i in axes else size for i, size in enumerate(x.shape)]) if keepdim else found


def _multiplied(x: Tensor, y: Tensor) -> Tensor:
    """``x @ y``, which adds along coordinates."""
    with unwatched():
        return added(x, y.mT)
