"""A group of shards whose members are threads of the test."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from widthwise.spaces import KetSpace, LocalExchange, Shard, Space

T = TypeVar("T")

Program = Callable[[Space], dict[str, Tensor]]


def each(count: int, work: Callable[[Shard], T], seconds: float = 60.0) -> list[T | Exception]:
    """What ``work`` of every member returns or raises, in the order of the members."""

    def caught(shard: Shard) -> T | Exception:
        try:
            return work(shard)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(caught, LocalExchange(count, seconds).shards))


def alone(program: Program, samples: int, **space: object) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in program(KetSpace(samples, **space)).items()}  # type: ignore[arg-type]


def shared(program: Program, samples: int, count: int, **space: object) -> list[dict[str, Tensor] | Exception]:
    """The readouts of a program on every member."""

    def run(shard: Shard) -> dict[str, Tensor]:
        kets = KetSpace(samples, shard=shard, **space)  # type: ignore[arg-type]
        with kets.together():
            return {name: value.detach() for name, value in kets.agreed(program(kets)).items()}

    return each(count, run)


def same_bits(program: Program, samples: int, counts: tuple[int, ...], **space: object) -> bool:
    """Whether every member of groups of these sizes has the numbers of a single space."""
    expected = alone(program, samples, **space)
    for count in counts:
        for found in shared(program, samples, count, **space):
            if isinstance(found, Exception):
                raise found
            if any(not torch.equal(value, expected[name]) for name, value in found.items()):
                return False
    return bool(expected)
