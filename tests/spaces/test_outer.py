"""The outer nonlinearity against explicit sums, in tiles of any size, and its incomplete averages over kets."""

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from spread import assert_mean_is
from torch import Tensor

from widthwise.spaces import FiniteSpace, KetSpace, Space, outer

Psi = Callable[..., Tensor]

PSI: Sequence[tuple[str, Psi]] = (
    ("order 0", lambda x, c: torch.tanh(x * c)),
    ("order 0, constant", lambda x, c: torch.sin(c)),
    ("order 1", lambda x, u, c: torch.tanh(x * u + c)),
    ("order 1, without x", lambda x, u, c: torch.sin(u) * c),
    ("order 1, without u", lambda x, u, c: torch.sin(x) * c),
    ("order 2", lambda x, u, v, c: torch.tanh(x * u + v * c) * v),
    ("order 2, without u", lambda x, u, v, c: torch.tanh(x + v) * c),
    ("order 2, constant", lambda x, u, v, c: torch.sin(c)),
    ("order 3", lambda x, u, v, w, c: torch.tanh(x * u + v * w) * c + torch.sin(w * x)),
)
ORDER = {name: int(name[6]) for name, _ in PSI}


def arguments(space: Space, order: int) -> tuple[list[Tensor], Tensor]:
    """Vectors of different widths and leading shapes, and a scalar of every input."""
    dims = [space.dim("n"), space.dim("half", 0.5), space.dim("twice", 2.0), space.dim("other", 0.7)][: 1 + order]
    vectors = [space.vectors(1 if position == 1 else 3, dim) for position, dim in enumerate(dims)]
    return vectors, torch.sin(torch.arange(3.0, dtype=space.dtype)).expand(space.replicates, 3)


def explicit(psi: Psi, vectors: Sequence[Tensor], scalar: Tensor) -> Tensor:
    """All values of psi at once, then their mean over every axis but that of x."""
    count = len(vectors)
    spread = [v[(..., *[slice(None) if i == k else None for k in range(count)])] for i, v in enumerate(vectors)]
    values = psi(*spread, scalar[(..., *[None] * count)])
    values = values.expand(*values.shape[:-count], *(v.shape[-1] for v in vectors))
    return values.mean(tuple(range(1 - count, 0))) if count > 1 else values


@pytest.mark.parametrize("values_at_once", [1, 100, 3000, 1 << 22])
@pytest.mark.parametrize(("name", "psi"), PSI, ids=[name for name, _ in PSI])
def test_explicit_sum_and_its_gradients(
    name: str, psi: Psi, values_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same value and gradients whatever the tiles; at finite width over all tuples, whatever is asked."""
    monkeypatch.setattr(outer, "VALUES_AT_ONCE", values_at_once)
    space = FiniteSpace(6, 2, dtype=torch.float64)
    vectors, scalar = arguments(space, ORDER[name])
    inputs = [*vectors, scalar.clone()]
    for each in inputs:
        each.requires_grad_()
    value = space.outer(psi, *inputs[:-1], scalars=(inputs[-1],), tuples=2)
    expected = explicit(psi, inputs[:-1], inputs[-1])
    assert value.shape == expected.shape == (2, 3, 6)
    torch.testing.assert_close(value, expected)
    weights = torch.cos(torch.arange(36.0, dtype=torch.float64)).reshape(2, 3, 6)
    found, wanted = (
        torch.autograd.grad((each * weights).sum(), inputs, allow_unused=True, materialize_grads=True)
        for each in (value, expected)
    )
    for left, right in zip(found, wanted, strict=True):
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize("values_at_once", [7, 1 << 22])
def test_derivatives_of_both_modes_and_of_second_order(values_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer, "VALUES_AT_ONCE", values_at_once)
    space = FiniteSpace(3, 1, dtype=torch.float64)
    x, u, v, c = space.vector(), space.vector(), space.vector(), torch.tensor([[0.3]], dtype=torch.float64)

    def program(x: Tensor, u: Tensor, v: Tensor, c: Tensor) -> Tensor:
        return space.outer(lambda x, u, v, c: torch.tanh(x * u + v * c), x, u, v, scalars=(c,))

    inputs = tuple(each.requires_grad_() for each in (x, u, v, c))
    assert torch.autograd.gradcheck(program, inputs, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(program, inputs)
    _, along = torch.func.jvp(program, inputs, tuple(torch.ones_like(each) for each in inputs))
    ahead, behind = (program(*(each.detach() + step for each in inputs)) for step in (1e-6, -1e-6))
    torch.testing.assert_close(along, (ahead - behind) / 2e-6, rtol=0, atol=1e-8)


def product(x: Tensor, u: Tensor, v: Tensor) -> Tensor:
    return torch.exp(0.5 * x) * u**2 * (1 + v)


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
def test_few_samples_are_all_taken(estimator: str) -> None:
    """While all tuples are no more than those asked for."""
    space = KetSpace(32, 2, estimator=estimator, dtype=torch.float64)  # type: ignore[arg-type]
    vectors = [space.vectors(3) for _ in range(3)]
    whole = explicit(lambda x, u, v, _: product(x, u, v), vectors, torch.zeros(2, 3))
    torch.testing.assert_close(space.outer(product, *vectors), whole)
    torch.testing.assert_close(space.outer(product, *vectors, tuples=1024), whole)
    assert not torch.allclose(space.outer(product, *vectors, tuples=1023), whole)


@pytest.mark.parametrize("values_at_once", [1, 1 << 10, 1 << 22])
def test_the_same_tuples_for_all_samples(values_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function of the others alone is one number, one of x itself alone, and a tuple pairs different samples."""
    monkeypatch.setattr(outer, "VALUES_AT_ONCE", values_at_once)
    space = KetSpace(256, 2)
    x = space.vectors(3)
    alone = space.outer(lambda x, u, v: torch.sin(u + 2 * v), x, x, x, tuples=64)
    assert alone.shape == x.shape
    torch.testing.assert_close(alone, alone[..., :1].expand_as(alone))
    torch.testing.assert_close(space.outer(lambda x, u: torch.sin(x), x, x, tuples=64), torch.sin(x))
    for tuples in (16, 64, 100):
        assert (space.outer(lambda x, u, v: (u == v).to(x.dtype), x, x, x, tuples=tuples) == 0).all()


@pytest.mark.parametrize("tuples", [16, 64, 256])
def test_blocks_of_quasi_random_samples_are_paired_at_random(tuples: int) -> None:
    """Corresponding samples of two blocks lie close together: in order, E u v would be near 1 and not 0.

    In one order for all replicates it would be off by 1 / sqrt(tuples) as well, and their spread would not say so.
    5 standard errors of 32 replicates: a false alarm once in 2e4 seeds.
    """
    space = KetSpace(4096, 32)
    x = space.vector()
    values = space.avg(space.outer(lambda x, u, v: u * v, x, x, x, tuples=tuples))
    assert_mean_is(values, 0.0)


EXACT = math.exp(0.125)
"""E exp(x / 2) times E u^2 (1 + v) = 1, for independent copies."""


@pytest.mark.parametrize("tuples", [1, 8, 64])
def test_incomplete_averages_are_unbiased_and_their_error_shows(tuples: int) -> None:
    """5 standard errors of 2000 replicates: 6e-7 each, and the spread is that of ``tuples`` independent tuples.

    Of 4096 samples few meet themselves in a tuple: a bias of order 1 / 4096, below the error.
    """
    space = KetSpace(4096, 2000, estimator="mc", dtype=torch.float32)
    x = space.vector()
    values = space.avg(space.outer(product, x, x, x, tuples=tuples)).flatten()
    assert_mean_is(values, EXACT)
    # u^2 (1 + v) has variance 3 * 2 - 1 = 5; its sample variance over 2000 replicates, kurtosis below 700 / tuples.
    expected = EXACT**2 * 5 / tuples
    assert abs(float(values.var()) / expected - 1) < 5 * ((2 + 700 / tuples) / 2000) ** 0.5


def test_the_first_quasi_random_samples_are_evenly_spread() -> None:
    """With one argument the error is less than a third of that of independent tuples, over 32 replicates."""

    def error(estimator: str) -> float:
        space = KetSpace(1 << 12, 32, estimator=estimator)  # type: ignore[arg-type]
        x, u = space.vectors(2).split(1, 1)
        values = space.avg(space.outer(lambda x, u: torch.exp(0.5 * x) * u**2, x, u, tuples=512))
        return float((values - EXACT).square().mean().sqrt())

    assert error("rqmc") < error("mc") / 3


@pytest.mark.parametrize("order", [1, 2])
def test_every_sample_has_a_gradient(order: int) -> None:
    """Also those in no tuple: d/du avg(exp(x / 2) u^2 (1 + v)) is 2 exp(1 / 8) u, up to the error of 1024 tuples."""
    space = KetSpace(1 << 13, 8)
    x, u, v = (space.vector().requires_grad_() for _ in range(3))
    others = [u, v][:order]
    y = space.outer(lambda x, u, v=0.0: product(x, u, v), x, *others, tuples=1024)
    (at_x, at_u), _ = space.backprop(space.avg(y), x, u)
    for found, exact in ((at_x, 0.5 * torch.exp(0.5 * x)), (at_u, 2 * EXACT * u)):
        error = (found - exact).square().mean().sqrt() / exact.square().mean().sqrt()
        assert error < (0.02 if order == 1 else 0.1)
