"""The clipped identity: decided by the law of a vector, not by that of a matrix."""

from pathlib import Path

import numpy as np
import pytest
import torch
from acceptance import REPLICATES, assert_mean_is, exact_limit, has_slope, measured, reduced
from scipy import integrate, stats

from widthwise.experiments.clipped_identity import clip
from widthwise.laws.own import register_law
from widthwise.spaces import FiniteSpace, KetSpace

GAUSSIAN = 0.030859595783726657
"""The oracle `rademacher_vs_gaussian_clip`."""

LAWS = ("gaussian", "uniform", "rademacher", "truncated_normal(2)", "laplace", "sparse(0.1)")

DENSITIES = {
    "gaussian": stats.norm(),
    "uniform": stats.uniform(-(3**0.5), 2 * 3**0.5),
    "laplace": stats.laplace(scale=0.5**0.5),
    "student_t(5)": stats.t(5, scale=0.6**0.5),
}


def test_the_oracle() -> None:
    """Rademacher 0 against Gaussian 0.0308596, and for matrices the Gaussian value under both."""
    assert exact_limit("clipped_identity", law="rademacher")["vector"] == 0
    assert exact_limit("clipped_identity", law="gaussian")["vector"] == pytest.approx(GAUSSIAN, abs=1e-7)
    for law in LAWS:
        assert exact_limit("clipped_identity", law=law)["matrix"] == pytest.approx(GAUSSIAN, rel=1e-12)


@pytest.mark.parametrize("law", DENSITIES)
@pytest.mark.parametrize("delta", [0.0, 0.3])
def test_the_closed_form_is_the_integral_over_the_density(law: str, delta: float) -> None:
    def integrand(u: float) -> float:
        value = float(clip(torch.tensor(u, dtype=torch.float64), delta))
        return u * value * float(DENSITIES[law].pdf(u))

    expected = integrate.quad(integrand, -8, 8, points=[-(3**0.5), -0.5, 0, 0.5, 3**0.5], limit=400)[0]
    assert exact_limit("clipped_identity", law=law, delta=delta)["vector"] == pytest.approx(expected, abs=2e-6)


def test_the_smoothed_clip_is_the_average_over_shifts() -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    nodes = np.linspace(-8, 8, 200_001)
    shifted = clip(x[:, None] + 0.4 * torch.from_numpy(nodes), 0.0).numpy()
    expected = np.trapezoid(shifted * stats.norm.pdf(nodes), nodes, axis=1)
    np.testing.assert_allclose(clip(x, 0.4).numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(clip(x, 1e-9).numpy()[[0, 4, 8]], clip(x, 0.0).numpy()[[0, 4, 8]], atol=1e-12)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("delta", [0.0, 0.2])
def test_kets_and_wide_networks_meet_the_closed_form(law: str, delta: float) -> None:
    """48 numbers, 5 standard errors of 32 replicates, a false alarm once in 1,000; the bias of 1/n is below 1e-3."""
    exact = exact_limit("clipped_identity", law=law, delta=delta)
    for space in (KetSpace(1 << 12, REPLICATES, estimator="mc"), FiniteSpace(1024, REPLICATES)):
        for name, values in measured("clipped_identity", space, law=law, delta=delta).items():
            assert_mean_is(values, exact[name], rounding=2e-4)


def test_heavy_tails_are_slower() -> None:
    """A third moment that is infinite: at n = 1,024 the matrix is off by 5 standard errors, light tails are not."""
    off = {}
    for law in ("student_t(2.2)", "rademacher"):
        values = measured("clipped_identity", FiniteSpace(1024, 64), law=law, delta=0.2)["matrix"]
        limit = exact_limit("clipped_identity", law=law, delta=0.2)["matrix"]
        off[law] = float((values.mean() - limit) / (values.std(ddof=1) / 8))
    assert off["student_t(2.2)"] > 5
    assert abs(off["rademacher"]) < 5


def test_the_curves_fall_like_the_root_of_the_width(tmp_path: Path) -> None:
    curves, verdicts = reduced(
        tmp_path / "clip.run",
        experiment="clipped_identity",
        options={"law": "uniform", "delta": 0.2},
        sweep={"width": [64, 256, 1024], "trials": 64},
    )
    for name in ("vector", "matrix"):
        assert has_slope(curves.sel(readout=name, metric="rms"), -0.5)
        assert verdicts["equivalent"].sel(readout=name) != 0


def test_a_law_without_quantiles_has_a_closed_form_for_the_matrix_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.laws.names._REGISTERED", {})
    register_law("threefold", lambda generator, shape: generator.choice([-(1.5**0.5), 0.0, 1.5**0.5], shape))
    exact = exact_limit("clipped_identity", law="threefold")
    assert np.isnan(exact["vector"])
    assert exact["matrix"] == pytest.approx(GAUSSIAN, rel=1e-12)
