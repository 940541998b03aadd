"""Autoencoders, tied and not: second programs, two estimators of the limit, closed forms, finite width."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from second_networks import (
    INPUTS,
    REPLICATES,
    assert_is,
    assert_keeps_to_the_language,
    assert_mean_is,
    assert_means_agree,
    kernels,
    sampled,
)
from torch import Tensor

from widthwise.models import Autoencoder
from widthwise.spaces import FiniteSpace, KetSpace

TIED = Autoencoder(ratios=(0.5, 0.25), weight_variance=1.6)
UNTIED = TIED.model_copy(update={"tied": False})
BOTH = pytest.mark.parametrize("model", [TIED, UNTIED], ids=["tied", "untied"])


@BOTH
def test_it_is_that_of_plain_torch(model: Autoencoder) -> None:
    """Kernels included: gradients of tied matrices add up over encoder and decoder."""

    def second(weights: Sequence[Tensor], x: Tensor) -> Tensor:
        embedding, first, second, *decoder = weights
        inner, outer = decoder or (second.mT, first.mT)
        for w in (embedding, first, second, inner, outer):
            x = torch.tanh(x @ w.mT)
        return x

    assert_is(model, 13, second)


@BOTH
def test_entries_of_the_decoder_have_the_variance_of_those_they_replace(model: Autoencoder) -> None:
    """1.6 / 96 and 1.6 / 48, whatever the fan-in of the decoder; 5 standard errors: once in 2e5 seeds."""
    space = FiniteSpace(96, 1, matrix="dense")
    model(space, torch.from_numpy(INPUTS))
    _, *matrices = space.matrices
    squares = [space.entries(matrix).square() for matrix in matrices]
    for square, columns in zip(squares, (96, 48, 48, 96), strict=False):
        assert abs(square.mean() * columns / 1.6 - 1) < 5 * (2 / square.numel()) ** 0.5


@BOTH
def test_it_keeps_to_the_language(model: Autoencoder) -> None:
    assert_keeps_to_the_language(model)


@pytest.mark.parametrize("ratios", [(0.5, 0.25), (2.0,)])
def test_tied_by_two_estimators(ratios: tuple[float, ...]) -> None:
    """12 numbers within 5 standard errors of 32 replicates: a false alarm once in 4e3 seeds."""
    model = TIED.model_copy(update={"ratios": ratios})
    assert_means_agree(sampled(model), sampled(model, 1 << 10, estimator="derivative"))


def test_untied_is_its_exact_limit() -> None:
    """12 numbers within 5 standard errors of 32 replicates, in the limit and at width 512: once in 2e3 seeds."""
    propagation = UNTIED.propagation(INPUTS)
    assert propagation is not None
    finite, values = kernels(UNTIED, FiniteSpace(512, REPLICATES)), sampled(UNTIED)
    for readout, exact in zip(("nngp", "ntk"), propagation.kernels(), strict=True):
        assert_mean_is(values[readout], exact)
        assert_mean_is(finite[readout], exact)
        assert np.abs(values[readout].mean(0).numpy() - exact).max() < 2e-3 * np.abs(exact).max()


def test_signals_of_the_untied_are_their_exact_limits() -> None:
    """State by state, 60 numbers within 5 standard errors of 32 replicates: a false alarm once in 8e2 seeds."""
    propagation, space = UNTIED.propagation(INPUTS), KetSpace(1 << 12, REPLICATES)
    assert propagation is not None
    hs = UNTIED.states(space, torch.from_numpy(INPUTS))
    signals, _ = space.backprop(space.avg(space.vector() * UNTIED.readout(hs[-1])), *hs)
    exact = zip(propagation.covariances(), propagation.gradients(), strict=True)
    for h, dh, (covariance, gradient) in zip(hs, signals, exact, strict=True):
        assert_mean_is(space.gram(h).detach(), covariance[:, 0, :, 0])
        assert_mean_is(space.gram(dh).detach(), gradient[:, 0, :, 0])


def test_of_tied_matrices_no_exact_limit_is_known() -> None:
    assert TIED.propagation(INPUTS) is None


def test_tied_and_untied_differ() -> None:
    """By more than 8 standard errors at width 512; each there within 5 of its own limit: once in 2e3 seeds."""
    wide, other = TIED.model_copy(update={"ratios": (2.0,)}), UNTIED.model_copy(update={"ratios": (2.0,)})
    limits, others = sampled(wide), sampled(other)
    finite = kernels(wide, FiniteSpace(512, 2 * REPLICATES))
    assert_means_agree(kernels(other, FiniteSpace(512, REPLICATES)), others)
    for readout, limit in limits.items():
        assert_mean_is(finite[readout], limit.mean(0))
        for values in (limit, finite[readout]):
            difference = (values - others[readout].mean(0)).diagonal(dim1=1, dim2=2)
            assert (difference.mean(0).abs() > 8 * difference.std(0) / len(values) ** 0.5).all()


def test_linear_ones_are_moments_of_marchenko_and_pastur() -> None:
    """Y = W^T W x with W of ratio r: E y^2 = v^2 (r + r^2) E x^2 tied, v^2 r E x^2 not; once in 4e3 seeds."""
    source = INPUTS @ INPUTS.T / INPUTS.shape[1]
    for tied, factor in ((True, 0.5 + 0.25), (False, 0.5)):
        model = Autoencoder(ratios=(0.5,), activation="identity", weight_variance=1.6, tied=tied)
        assert_mean_is(sampled(model)["nngp"], 1.6**3 * factor * source)
