"""Jacobians of every architecture: their moments at finite width are those of the limit, their matrices are free."""

import numpy as np
import pytest
import torch
from small_networks import INPUTS, SMALL, network

from widthwise.experiments import build
from widthwise.experiments.options import JacobianSpectrum
from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program, jacobian

ERRORS = 5.0
"""Of 32 replicates, once in 5e4 for every number."""

QUICK = ("mlp", "tied resnet", "batch_norm")

EACH = pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SMALL]
)


def measured(name: str, space: Space) -> dict[str, np.ndarray]:
    """Of one input, of two where they are a batch, two steps of Lanczos."""
    inputs = INPUTS[: 2 if name == "batch_norm" else 1]
    this = build("jacobian_spectrum", {"model": network(name), "options": JacobianSpectrum(steps=2)}, inputs)
    return {readout: value.detach().double().numpy() for readout, value in this.measure(space).items()}


def mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the mean over replicates."""
    return values.mean(0), values.var(0, ddof=1) / len(values)


@EACH
def test_jacobians_of_finite_width_are_those_of_the_limit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moments, and words that vanish: 7 numbers within 5 standard errors, biases of width 128 below 3 % of moments.

    A false alarm once in 7e3 seeds, or once in 500 for all networks.
    """
    monkeypatch.setattr("widthwise.experiments.jacobian_spectrum.LARGEST_SPECTRUM", 0)
    finite, ket = (measured(name, space) for space in (FiniteSpace(128, 32, seed=1), KetSpace(256, 32)))
    free, variance = mean_and_variance(finite["freeness"])
    assert (np.abs(free) <= ERRORS * variance**0.5 + 0.01).all()
    (found, variance), (limit, other) = mean_and_variance(finite["moment"]), mean_and_variance(ket["moment"])
    assert (np.abs(found - limit) <= ERRORS * (variance + other) ** 0.5 + 0.03 * limit)[:2].all()
    assert np.isnan(ket["spectrum"]).all()
    assert (limit > 0).all()


@pytest.mark.parametrize("name", SMALL)
def test_the_spectrum_is_that_of_the_matrix(name: str) -> None:
    """Products with basis vectors one at a time, in double precision; all inputs and positions at once."""
    model = network(name)
    space = FiniteSpace(4, 2, dtype=torch.float64)
    first, *_, last = model.states(space, torch.from_numpy(INPUTS))
    J = jacobian(space, last, first)
    found = J.entries()
    units = torch.eye(first[0].numel(), dtype=torch.float64)[::7]
    for column, unit in zip(found.unbind(2)[::7], units, strict=True):
        image = J(unit.reshape(1, *first.shape[1:]).expand_as(first))
        torch.testing.assert_close(image.flatten(1), column, rtol=1e-9, atol=1e-12)


@EACH
def test_it_keeps_to_the_language(name: str) -> None:
    """One step and one input: more vectors fill up the width that this is checked at, and rounding decides."""
    inputs = INPUTS[: 2 if name == "batch_norm" else 1]
    tables: dict[str, Architecture | JacobianSpectrum] = {"model": network(name), "options": JacobianSpectrum(steps=1)}
    check_program(build("jacobian_spectrum", tables, inputs).measure)
