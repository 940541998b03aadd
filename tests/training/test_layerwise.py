"""From updates to weights: sizes that do not know the width, clipping, normalisation, decay."""

from typing import Any, NoReturn

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizer_twins import gradients
from torch import Tensor

from widthwise.training import OPTIMIZERS, SGD, Adafactor, OptimizerOptions
from widthwise.training.layerwise import factor, moved, rms


def resized(options: OptimizerOptions, update: Tensor, weights: Tensor, t: int = 0) -> Tensor:
    return update * factor(options, t, lambda: rms(update), lambda: rms(weights))


def not_asked() -> NoReturn:
    raise AssertionError


@pytest.mark.parametrize("shape", [(7, 5), (9,), ()])
def test_the_size_is_the_frobenius_norm_over_the_root_of_the_entries(shape: tuple[int, ...]) -> None:
    entries = gradients(3, *shape)
    sizes = rms(torch.stack(entries))
    assert sizes.shape == (3, *(1 for _ in shape))
    for each, size in zip(entries, sizes, strict=True):
        assert size.item() == pytest.approx(each.norm().item() / each.numel() ** 0.5)


@given(scale=st.floats(1e-3, 1e3), clip=st.floats(1e-2, 1e2))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_clipping_bounds_the_size_and_leaves_smaller_updates_alone(scale: float, clip: float) -> None:
    update = scale * torch.stack(gradients(2, 4, 3))
    clipped = resized(SGD(clip=clip), update, update)
    assert (rms(clipped) <= clip * (1 + 1e-12)).all()
    kept = rms(update) <= clip
    torch.testing.assert_close(clipped, torch.where(kept, update, update * (clip / rms(update))))


@given(scale=st.floats(1e-6, 1e6))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_normalised_updates_have_size_1_whatever_their_scale(scale: float) -> None:
    update = torch.stack(gradients(2, 4, 3))
    normalised = resized(SGD(normalise=True), scale * update, update)
    torch.testing.assert_close(rms(normalised), torch.ones(2, 1, 1, dtype=torch.float64))
    torch.testing.assert_close(normalised, resized(SGD(normalise=True), update, update))
    assert not resized(SGD(normalise=True), 0 * update, update).any()


def test_relative_updates_have_the_size_of_the_weights_but_not_less_than_the_smallest() -> None:
    update, weights = torch.stack(gradients(2, 4, 3)), torch.stack(gradients(2, 4, 3, seed=1))
    weights[1] *= 1e-4
    found = rms(resized(SGD(normalise=True, relative=0.01), update, weights)).flatten()
    torch.testing.assert_close(found, torch.stack([rms(weights)[0, 0, 0], torch.tensor(0.01, dtype=torch.float64)]))


def test_sizes_are_asked_for_only_where_they_are_needed() -> None:
    assert factor(SGD(), 0, not_asked, not_asked) == 1.0
    size = torch.ones(1, 1, 1)
    factor(SGD(clip=1), 0, lambda: size, not_asked)
    factor(SGD(relative=1), 0, not_asked, lambda: size)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_adafactor_resizes_by_itself(name: str) -> None:
    options = OPTIMIZERS[name]()  # type: ignore[call-arg]
    assert (options.clip is None) == (options.relative is None) == (not options.rate_capped) == (name != "adafactor")


def test_the_rate_of_adafactor_falls_below_the_one_asked_for() -> None:
    options = Adafactor(learning_rate=0.5, relative=None, clip=None)
    factors: list[Any] = [factor(options, t, not_asked, not_asked) for t in range(16)]
    assert [0.5 * each for each in factors] == pytest.approx([min(0.5, (t + 1) ** -0.5) for t in range(16)])


@given(rate=st.floats(0, 10), decay=st.floats(0, 1))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_decay_is_decoupled_from_the_update_and_its_rate(rate: float, decay: float) -> None:
    weights, update = gradients(2, 4, 3)
    torch.testing.assert_close(moved(weights, update, rate=rate), weights - rate * update)
    difference = moved(weights, update, rate=rate) - moved(weights, update, rate=rate, decay=decay)
    torch.testing.assert_close(difference, decay * weights)
    half = torch.full((1, 1), rate / 2, dtype=torch.float64)
    torch.testing.assert_close(moved(weights, 2 * update, rate=half), moved(weights, update, rate=rate))
