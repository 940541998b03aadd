"""Entries are independent, of their law up to the tails, and a function of their address."""

import itertools
import math

import numpy as np
import pytest
import torch
from law_oracles import ALL, CONTINUOUS, check_law
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws import Law, law
from widthwise.laws import entries as module
from widthwise.laws.entries import CHUNK, fill

COUNT = (1 << 19) + 5
EXTREMES = torch.tensor([-(2**31), -(2**31) + 1, -(2**30), -1, 0, 1, 2**30, 2**31 - 1], dtype=torch.int32)
EACH = pytest.mark.parametrize("name", ALL)


def entries(name: str | Law, count: int, *address: int) -> Tensor:
    out = torch.full((count,), math.nan)
    fill(out, law(name), *address)
    return out


@EACH
def test_entries_are_of_the_law(name: str) -> None:
    check_law(name, entries(name, COUNT, 0, 1).double().numpy())


@EACH
def test_neighbours_are_independent(name: str) -> None:
    """Signs and sizes are uncorrelated over every distance at which a formula might tie them: 5 standard errors."""
    x = entries(name, COUNT, 2).double()
    for values in (x.clamp(-4, 4), x.abs().clamp(max=4)):
        centred = values - values.mean()
        for lag in (1, 2, 3, 7, 8, 32, CHUNK // 2, CHUNK, 2 * CHUNK):
            correlation = (centred[lag:] * centred[:-lag]).mean()
            assert abs(correlation) <= 5 * centred.square().mean() / math.sqrt(COUNT - lag) + 1e-12, lag


@EACH
@pytest.mark.parametrize("count", [1, 2, 7, 33, 1000, CHUNK + 1])
def test_an_address_has_the_same_bits_in_every_shape(name: str, count: int) -> None:
    out = torch.full((count, 2), math.nan)
    fill(out, law(name), 5, 6, 7)
    assert torch.equal(out.flatten(), entries(name, 2 * count, 5, 6, 7))
    assert out.isfinite().all()
    assert entries(name, count, 5).isfinite().all()


@EACH
def test_every_part_of_an_address_counts(name: str) -> None:
    x = entries(name, 1 << 14, 5, 6, 7).clamp(-4, 4).double()
    for other in ((4, 6, 7), (5, 7, 7), (5, 6, 8), (5, 6), (5, 6, 7, 0)):
        y = entries(name, 1 << 14, *other).clamp(-4, 4).double()
        assert abs((x * y).mean()) < 5 * x.square().mean() / 128


@pytest.mark.parametrize("name", [*ALL, "student_t(2.01)", "student_t(1e6)", "truncated_normal(0.1)", "sparse(1e-6)"])
def test_no_word_makes_an_infinite_entry(name: str) -> None:
    """Pairs of the outermost and innermost words, in both orders and both halves of the stream."""
    pairs = torch.tensor(list(itertools.product(EXTREMES.tolist(), repeat=2)), dtype=torch.int32)
    stream = torch.cat((pairs.T.flatten(), pairs.flatten())).repeat(64)
    out = torch.full((pairs.numel(),), math.nan)
    module._FORMULAS[law(name).family](out, lambda count: stream[:count].clone(), law(name).parameter or 0.0)
    assert out.isfinite().all()


@pytest.mark.parametrize("name", [name for name in CONTINUOUS if name.startswith(("gaussian", "laplace", "student"))])
def test_tails_reach_beyond_a_probability_of_1e_9(name: str) -> None:
    out = torch.empty(2)
    module._FORMULAS[law(name).family](
        out, lambda count: torch.zeros(count, dtype=torch.int32), law(name).parameter or 0.0
    )
    assert out.abs().max() > CONTINUOUS[name].isf(0.5e-9)


def test_places_of_a_sparse_law_go_on_where_a_batch_was_too_short() -> None:
    """Words that put hits next to each other exhaust a batch before the end."""
    near = torch.full((1 << 12,), 2**31 - 1, dtype=torch.int32)
    places = module._places(500, lambda count: near[:count].clone(), 0.01)
    assert torch.equal(places, torch.arange(500))


def test_orthogonal_entries_are_refused() -> None:
    with pytest.raises(ProgramError, match=r"^orthogonal: has no independent entries; only the laws gaussian, "):
        entries("orthogonal", 4, 0)


def test_the_sampler_of_a_user_is_called_at_the_address() -> None:
    def signs(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return 2 * generator.integers(0, 2, shape) - 1

    own = Law(name="signs", family="signs", sampler=signs)
    assert torch.equal(entries(own, 100, 3, 4), entries(own, 100, 3, 4))
    assert not torch.equal(entries(own, 100, 3, 4), entries(own, 100, 3, 5))
    assert entries(own, 100, 3).abs().eq(1).all()


@pytest.mark.parametrize("made", [np.ones(3), np.full(4, np.nan), np.full(4, 1e300)])
def test_a_sampler_that_fails_later_is_refused(made: np.ndarray) -> None:
    own = Law(name="mine", family="mine", sampler=lambda generator, shape: made)
    with pytest.raises(ProgramError, match=r"^mine: asked for 4 entries, its sampler did not give as many finite"):
        entries(own, 4, 0)
