r"""Independent entries of a law, from random words by formulas that act on whole arrays: the same on every device.

A word w is a uniform integer of 32 bits with a sign, and :math:`u = (w + 1/2) / 2^{31}` is uniform on (-1, 1), of
either sign with the same probability, never 0, and exact near 0, where the tails of the laws come from.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws.images import truncated_quantile
from widthwise.laws.names import Law
from widthwise.randomness import numpy_generator, torch_generator

CHUNK = 1 << 16
"""Entries that are made at once, few enough for every step of a formula to stay in cache."""

SIGN = 31
"""Place of the sign among the bits of a word."""

DENSE = 0.25
"""Density above which clearing a part of all entries is faster than finding the places of the others."""

Words = Callable[[int], Tensor]
"""``words(count)``: the next random words of a stream, int32."""


def fill(out: Tensor, law: Law, seed: int, *path: int) -> None:
    """Fill a tensor with independent entries of a law: a function of the address and the number of entries alone.

    Args:
        out: float32, contiguous, of any shape; its device decides which generator serves the address.
        law: any but ``orthogonal``, which is no law of single entries.
        seed: first number of the address.
        path: the others.

    Raises:
        ProgramError: the law has no independent entries, or the sampler of a user made something else than numbers.
    """
    flat = out.view(-1)
    if law.sampler is not None:
        flat.copy_(_sampled(law, flat.numel(), seed, *path))
        return
    if law.family not in _FORMULAS:
        message = f"{law.name}: has no independent entries; only the laws {', '.join(_FORMULAS)} have"
        raise ProgramError(message)
    words = _words(out.device, seed, *path)
    for piece in flat.split(CHUNK if out.device.type == "cpu" else max(flat.numel(), 1)):
        _FORMULAS[law.family](piece, words, law.parameter or 0.0)


def _sampled(law: Law, count: int, seed: int, *path: int) -> Tensor:
    """Entries from the sampler of a user, checked."""
    assert law.sampler is not None
    entries = torch.as_tensor(law.sampler(numpy_generator(seed, *path), (count,)), dtype=torch.float32)
    if entries.shape != (count,) or not bool(entries.isfinite().all()):
        message = f"{law.name}: asked for {count} entries, its sampler did not give as many finite numbers of float32"
        raise ProgramError(message)
    return entries


def _words(device: torch.device, seed: int, *path: int) -> Words:
    if device.type == "cpu":
        raw = numpy_generator(seed, *path).bit_generator.random_raw
        return lambda count: torch.from_numpy(raw((count + 1) // 2).view(np.int32)[:count])
    generator = torch_generator(device, seed, *path)
    lowest, above = -(1 << SIGN), 1 << SIGN
    return lambda count: torch.randint(lowest, above, (count,), dtype=torch.int32, device=device, generator=generator)


def _symmetric(words: Tensor) -> Tensor:
    """Uniform on (-1, 1), either sign with the same probability, at least 2**-32 in size."""
    return words.float().add_(0.5).mul_(2.0**-SIGN)


def _gaussian(out: Tensor, words: Words, _: float) -> None:
    """Box and Muller (1958): the polar coordinates of pairs, one of which may be half used."""
    half = (out.numel() + 1) // 2
    u = _symmetric(words(2 * half))
    radius = u[:half].square_().log_().neg_().sqrt_()
    angle = u[half:].mul_(math.pi)
    torch.cos(angle, out=out[:half]).mul_(radius)
    rest = out.numel() - half
    torch.sin(angle[:rest], out=out[half:]).mul_(radius[:rest])


def _uniform(out: Tensor, words: Words, _: float) -> None:
    out.copy_(words(out.numel())).add_(0.5).mul_(math.sqrt(3) * 2.0**-SIGN)


def _rademacher(out: Tensor, words: Words, _: float) -> None:
    """Eight signs a byte."""
    count = (out.numel() + 7) // 8
    bytes_ = words((count + 3) // 4).view(torch.uint8)[:count].int()
    signs = _signs(out.device)
    if out.numel() == 8 * count:
        torch.index_select(signs, 0, bytes_, out=out.view(-1, 8))
    else:
        out.copy_(signs[bytes_].flatten()[: out.numel()])


@cache
def _signs(device: torch.device) -> Tensor:
    """The bits of every byte as signs, shape (256, 8)."""
    bits = torch.arange(256)[:, None] >> torch.arange(8) & 1
    return (2 * bits - 1).float().to(device)


def _laplace(out: Tensor, words: Words, _: float) -> None:
    """An exponential variable with a sign."""
    u = _symmetric(words(out.numel()))
    torch.copysign(u.abs().log_().mul_(math.sqrt(0.5)), u, out=out)


def _truncated_normal(out: Tensor, words: Words, cut: float) -> None:
    out.copy_(truncated_quantile(_symmetric(words(out.numel())), cut))


def _sparse(out: Tensor, words: Words, density: float) -> None:
    """Gaussian entries at random places; if these are many, all entries are made and the others cleared."""
    if density > DENSE:
        _gaussian(out, words, 0.0)
        hits = min(round(density * 2.0**SIGN), (1 << SIGN) - 1)
        kept = words(out.numel()).bitwise_and_((1 << SIGN) - 1).sub_(hits).bitwise_right_shift_(SIGN)
        out.view(torch.int32).bitwise_and_(kept)
    else:
        places = _places(out.numel(), words, density)
        entries = out.new_empty(places.numel())
        _gaussian(entries, words, 0.0)
        out.zero_().index_copy_(0, places, entries)
    out.mul_(1 / math.sqrt(density))


def _places(count: int, words: Words, density: float) -> Tensor:
    """Each of ``count`` places with probability ``density``: geometric distances, which need no memory of the last."""
    batch = math.ceil(count * density + 6 * math.sqrt(count * density)) + 8
    found, last = [], -1
    while last < count - 1:
        u = words(batch).double().add_(0.5).abs_().mul_(2.0**-SIGN)
        places = u.log_().div_(math.log1p(-density)).floor_().add_(1).cumsum_(0).add_(last)
        last = int(places[-1])
        found.append(places)
    ascending = torch.cat(found)
    return ascending[: int(torch.searchsorted(ascending, count - 0.5))].long()


def _student_t(out: Tensor, words: Words, nu: float) -> None:
    """Bailey (1994): the radius of a point whose coordinates are t, times the cosine of its angle."""
    u = _symmetric(words(2 * out.numel()))
    radius = u[: out.numel()].abs_().log_().mul_(-2 / nu).expm1_().mul_(nu - 2).sqrt_()
    torch.cos(u[out.numel() :].mul_(math.pi), out=out).mul_(radius)


_FORMULAS: Mapping[str, Callable[[Tensor, Words, float], None]] = {
    "gaussian": _gaussian,
    "laplace": _laplace,
    "rademacher": _rademacher,
    "sparse": _sparse,
    "student_t": _student_t,
    "truncated_normal": _truncated_normal,
    "uniform": _uniform,
}
