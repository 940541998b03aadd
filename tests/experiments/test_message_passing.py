"""Approximate message passing: kets land on state evolution without having been told of it, and so do wide arrays."""

from pathlib import Path

import numpy as np
import pytest
import torch
from acceptance import REPLICATES, assert_mean_is, exact_limit, experiment, measured, reduced

from widthwise.spaces import Estimator, FiniteSpace, KetSpace
from widthwise.theory import state_evolution

ORACLE = [
    0.21000000000000002,
    0.09422917980761313,
    0.05643691470384654,
    0.04057604891506262,
    0.03307944811159038,
    0.02931219121439023,
    0.02735609815808429,
    0.02632235730611033,
    0.025770823498731686,
]
"""Signals N(0, 1) with probability 0.1, delta 1/2, noise 0.01, soft threshold at 1.5 tau."""

OPTIONS: tuple[dict[str, object], ...] = (
    {},
    {"denoiser": "tanh"},
    {"delta": 1.0},
    {"delta": 2.0},
    {"delta": 2.0, "denoiser": "tanh", "density": 0.5, "noise_variance": 0.1, "steps": 4},
)
SAMPLES = 1 << 13


def recursion(**options: object) -> np.ndarray:
    settings = {"delta": 0.5, "noise_variance": 0.01, "density": 0.1, "denoiser": "soft_threshold"}
    return state_evolution(**({**settings, "threshold": 1.5, "steps": 8} | options))  # type: ignore[arg-type]


def test_the_closed_form_is_the_oracle() -> None:
    np.testing.assert_allclose(exact_limit("amp")["tau_squared"], ORACLE, rtol=1e-12)


@pytest.mark.parametrize("estimator", ["rqmc", "mc", "derivative"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_kets_follow_state_evolution(options: dict[str, object], estimator: Estimator) -> None:
    """43 numbers for each estimator, 5 standard errors of 32 replicates: a false alarm once in 400 seeds for all."""
    values = measured("amp", KetSpace(SAMPLES, REPLICATES, estimator=estimator), **options)["tau_squared"]
    assert_mean_is(values, recursion(**options), 2 / SAMPLES)
    if not options:
        assert_mean_is(values, np.array(ORACLE), 2 / SAMPLES)


@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_wide_arrays_follow_state_evolution(options: dict[str, object], law: str) -> None:
    """The bias at n = 4096, some tau^2 / n, is below the error of 32 trials: a false alarm once in 500 seeds for all.

    Matrices of signs take n^2 numbers, so that they are narrower here.
    """
    width = 4096 if law == "gaussian" else 1024
    values = measured("amp", FiniteSpace(width, REPLICATES), law=law, **options)["tau_squared"]
    assert_mean_is(values, recursion(**options), 2 / width)


def test_the_distance_falls_like_the_root_of_the_width(tmp_path: Path) -> None:
    """Slopes at 99 % for two denoisers: a false alarm in one of 50 seeds."""
    curves, verdicts = reduced(
        tmp_path / "x.run",
        experiment="amp",
        sweep={
            "width": [256, 1024, 4096],
            "trials": 64,
            "options.denoiser": ["soft_threshold", "tanh"],
        },
        verdict={"confidence": 0.99},
    )
    rms = curves["value"].sel(metric="rms", readout="tau_squared")
    assert (verdicts["consistent"].sel(metric="rms") == 1).all()
    assert (rms.isel(width=-1) < 0.5 * rms.isel(width=0)).all()


def test_a_step_is_that_of_arrays_of_numbers() -> None:
    """The recursion by numpy, on the entries that the program drew."""
    n, delta, steps = 60, 0.5, 3
    space = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    values = measured("amp", space, steps=steps)["tau_squared"][0]
    draws = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    rows = draws.dim("measurements", delta)
    a = draws.entries(draws.matrix(rows, variance=1 / delta))[0].numpy()
    signal = draws.vector(law="sparse(0.1)")[0, 0].numpy() * np.sqrt(0.1)
    y = a @ signal + np.sqrt(0.01) * draws.vector(rows)[0, 0].numpy()
    x, residual, expected = np.zeros(n), y, []
    for _ in range(steps + 1):
        noisy = a.T @ residual + x
        expected.append(np.mean((noisy - signal) ** 2))
        level = 1.5 * np.sqrt(np.mean(residual**2))
        x = np.sign(noisy) * np.maximum(np.abs(noisy) - level, 0)
        residual = y - a @ x + residual * np.mean(np.abs(noisy) > level) / delta
    np.testing.assert_allclose(values, expected, rtol=1e-10)
    assert np.isclose(a.var() * n * delta, 1, atol=0.2)


def test_the_orthogonal_law_has_no_state_evolution() -> None:
    assert experiment("amp", law="orthogonal").exact is None
