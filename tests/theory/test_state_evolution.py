"""State evolution against its oracle, adaptive integrals, samples and the rate at which noiseless recovery succeeds."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from widthwise.errors import SpecError
from widthwise.theory import state_evolution
from widthwise.theory.kernels import Array

ORACLE = json.loads(Path(__file__).with_name("matrix_law_oracles.json").read_text())["amp_state_evolution"]
SETTINGS: dict[str, Any] = {
    "delta": 0.5,
    "noise_variance": 0.01,
    "density": 0.1,
    "denoiser": "soft_threshold",
    "threshold": 1.5,
    "steps": 8,
}


def _denoise(u: Array, denoiser: str, level: float) -> Array:
    return np.tanh(u) if denoiser == "tanh" else np.sign(u) * np.maximum(np.abs(u) - level, 0.0)


def _error_of_zero(tau: float, denoiser: str, threshold: float) -> float:
    edge = threshold if denoiser == "soft_threshold" else 0.0

    def integrand(z: float) -> float:
        return stats.norm.pdf(z) * _denoise(np.asarray(tau * z), denoiser, threshold * tau) ** 2

    return 2 * integrate.quad(integrand, edge, edge + 12, epsabs=1e-15, epsrel=1e-13)[0]


def _error_of_normal(tau: float, denoiser: str, threshold: float) -> float:
    """A double integral, over X0 and over u = X0 + tau Z, split at the threshold: Stein's lemma is not used."""
    level = threshold * tau

    def integrand(u: Array, x: Array) -> Array:
        density = stats.norm.pdf(x) * np.exp(-(((u - x) / tau) ** 2) / 2) / tau / np.sqrt(2 * np.pi)
        return density * (_denoise(u, denoiser, level) - x) ** 2

    nodes, weights = np.polynomial.legendre.leggauss(60)
    borders = [-9 - 9 * tau, -level, 0.0, level, 9 + 9 * tau] if level else [-9 - 9 * tau, 0.0, 9 + 9 * tau]
    total = 0.0
    for start, end in pairwise(borders):
        for low in np.arange(-9.0, 9.0, 1.0):
            u = (start + end) / 2 + (end - start) / 2 * nodes
            x = low + 0.5 + 0.5 * nodes
            values = integrand(u[:, None], x[None, :])
            total += (end - start) / 4 * (weights @ values @ weights)
    return total


def test_the_oracle() -> None:
    np.testing.assert_allclose(state_evolution(**SETTINGS), ORACLE["tau_squared"], rtol=1e-14)


@pytest.mark.parametrize("denoiser", ["soft_threshold", "tanh"])
@pytest.mark.parametrize("threshold", [0.0, 0.4, 1.5, 3.0])
@pytest.mark.parametrize("noise_variance", [0.04, 0.3, 5.0])
def test_a_step_is_the_integral_of_the_definition(denoiser: str, threshold: float, noise_variance: float) -> None:
    """For a signal that is nowhere, in half of the places and everywhere."""
    settings = {**SETTINGS, "denoiser": denoiser, "threshold": threshold, "noise_variance": noise_variance, "steps": 1}
    for density in (0.0, 0.5, 1.0):
        start, after = state_evolution(**{**settings, "density": density})
        assert start == pytest.approx(noise_variance + density / 0.5, rel=1e-15)
        tau = float(np.sqrt(start))
        errors = _error_of_zero(tau, denoiser, threshold), _error_of_normal(tau, denoiser, threshold)
        expected = noise_variance + ((1 - density) * errors[0] + density * errors[1]) / 0.5
        assert after == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("denoiser", ["soft_threshold", "tanh"])
def test_a_step_is_an_average_over_samples(denoiser: str) -> None:
    """Within 5 standard errors of 4e6 samples: a false alarm once in 1.7 million."""
    before, after = state_evolution(**{**SETTINGS, "denoiser": denoiser, "steps": 1})
    generator = np.random.default_rng(5)
    signal = generator.standard_normal(4_000_000) * (generator.random(4_000_000) < 0.1)
    seen = signal + np.sqrt(before) * generator.standard_normal(4_000_000)
    squares = 0.01 + (_denoise(seen, denoiser, 1.5 * np.sqrt(before)) - signal) ** 2 / 0.5
    assert abs(squares.mean() - after) < 5 * squares.std() / np.sqrt(squares.size)


def test_small_noise_shrinks_at_the_rate_of_the_phase_transition() -> None:
    """For tau -> 0 a normal signal is far above the threshold and costs (1 + threshold^2) tau^2.

    Donoho, Maleki and Montanari, Message-passing algorithms for compressed sensing, 2009 (0907.3574): recovery without
    noise succeeds where the rate is below 1. Corrections are of order tau, and below 1e-14 where tau^2 has shrunk.
    """
    squares = state_evolution(**{**SETTINGS, "delta": 0.7, "noise_variance": 0.0, "density": 0.05, "steps": 60})
    of_zero = 2 * (3.25 * stats.norm.sf(1.5) - 1.5 * stats.norm.pdf(1.5))
    rate = (0.95 * of_zero + 0.05 * 3.25) / 0.7
    assert squares[-1] < 1e-30
    np.testing.assert_allclose(squares[-6:] / squares[-7:-1], rate, rtol=1e-12)


def test_no_threshold_passes_the_noise_and_a_high_one_nothing() -> None:
    linear = state_evolution(**{**SETTINGS, "threshold": 0.0, "delta": 4.0})
    np.testing.assert_allclose(linear[1:], 0.01 + linear[:-1] / 4.0, rtol=1e-14)
    closed = state_evolution(**{**SETTINGS, "threshold": 60.0})
    np.testing.assert_allclose(closed, closed[0], rtol=1e-12)


def test_nothing_to_find_and_no_noise_stay_zero() -> None:
    for denoiser in ("soft_threshold", "tanh"):
        squares = state_evolution(**{**SETTINGS, "denoiser": denoiser, "density": 0.0, "noise_variance": 0.0})
        np.testing.assert_array_equal(squares, np.zeros(9))


def test_no_steps_give_the_start_and_tanh_has_no_threshold() -> None:
    np.testing.assert_allclose(state_evolution(**{**SETTINGS, "steps": 0}), [0.21], rtol=1e-15)
    one, other = (state_evolution(**{**SETTINGS, "denoiser": "tanh", "threshold": each}) for each in (0.0, 3.0))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delta", 0.0),
        ("delta", np.nan),
        ("noise_variance", -0.1),
        ("density", 1.2),
        ("threshold", -1.0),
        ("steps", -1),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SpecError, match=f"^{name}: {value} is out of range; it must be a"):
        state_evolution(**{**SETTINGS, name: value})


def test_an_unknown_denoiser_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^denoiser: 'relu' is unknown; choose one of soft_threshold, tanh$"):
        state_evolution(**{**SETTINGS, "denoiser": "relu"})
