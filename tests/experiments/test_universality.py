"""The law of matrices does not matter in the limit, that of vectors does, by the amount that closed forms predict."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from acceptance import INPUTS, REPLICATES, assert_mean_is, assert_means_agree, has_slope, reduced

from widthwise.experiments import build
from widthwise.models import MLP, RNN, Architecture, ResNet, activation
from widthwise.spaces import FiniteSpace, KetSpace, Space

MATRIX_LAWS = ("uniform", "rademacher", "truncated_normal(2)", "laplace", "sparse(0.2)")

Values = Mapping[str, np.ndarray]


def values_of(model: Architecture, space: Space, inputs: np.ndarray = INPUTS) -> Values:
    measured = build("universality", {"model": model}, inputs).measure(space)
    return {name: value.detach().double().numpy() for name, value in measured.items()}


def exact_of(model: Architecture, inputs: np.ndarray = INPUTS) -> Values:
    exact = build("universality", {"model": model}, inputs).exact
    assert exact is not None
    return exact()


def with_sign_vectors(model: MLP, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """NNGP kernels of one and of two layers whose input weights are random signs: all signs are gone through."""
    features = inputs.shape[1]
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=features)))
    h = signs @ inputs.T * (model.weight_variance / features) ** 0.5
    x = np.tanh(h)
    first = x.T @ x / len(signs)
    covariance = model.weight_variance * first
    variance = covariance.diagonal()
    return first, activation("tanh").dual.kernel(variance[:, None], covariance, variance[None, :])


@pytest.mark.parametrize("law", MATRIX_LAWS)
def test_matrices_of_any_law_have_the_gaussian_limit(law: str) -> None:
    """At n = 512 within 5 standard errors and the bias of 1/n: 24 numbers a law, a false alarm once in 1,600 each."""
    model = MLP(depth=3, law=law, weight_variance=1.5, activation="tanh")
    exact = exact_of(model)
    for name, values in values_of(model, FiniteSpace(512, REPLICATES, seed=3)).items():
        assert_mean_is(values, exact[name], rounding=5e-3)


@pytest.mark.parametrize("model", [MLP(law="rademacher"), ResNet(tied=True, law="rademacher"), RNN(steps=3)])
def test_the_limit_has_no_shift(model: Architecture) -> None:
    """Kets of a network and of its twin, independent: their difference is the error of the integration."""
    values = values_of(model, KetSpace(1 << 12, REPLICATES))
    for name in ("nngp_shift", "ntk_shift"):
        assert_mean_is(values[name], 0.0)
        assert np.abs(values[name].mean(0)).max() < 1e-2


@pytest.mark.parametrize("depth", [1, 2])
def test_vectors_of_signs_have_a_limit_of_their_own(depth: int) -> None:
    """It is predicted by going through all signs; kets meet it, width 1,024 too, and both are far from Gaussian."""
    model = MLP(depth=depth, vector_law="rademacher", weight_variance=4.0, activation="tanh")
    predicted = with_sign_vectors(model, INPUTS)[depth - 1]
    gaussian = exact_of(model.model_copy(update={"vector_law": "gaussian"}))["nngp"]
    kets = values_of(model, KetSpace(1 << 12, REPLICATES))
    finite = values_of(model, FiniteSpace(1024, REPLICATES))
    shift = (predicted - gaussian) / np.linalg.norm(gaussian)
    for values in (kets, finite):
        assert_mean_is(values["nngp"], predicted, rounding=2e-3)
        assert_mean_is(values["nngp_shift"], shift, rounding=2e-3)
        assert_means_agree(values["ntk_shift"], kets["ntk_shift"])
        assert np.abs(values["nngp_shift"].mean(0)).max() > 0.5 * np.abs(shift).max() > 0.01


def test_without_gaussian_vectors_nothing_is_claimed() -> None:
    for model in (MLP(vector_law="uniform"), MLP(law="orthogonal")):
        assert build("universality", {"model": model}, INPUTS).exact is None


def test_a_network_without_closed_form_still_has_no_shift() -> None:
    exact = exact_of(ResNet(tied=True))
    assert np.isnan(exact["nngp"]).all()
    assert (exact["ntk_shift"] == 0).all()


def test_laws_collapse_on_one_curve(tmp_path: Path) -> None:
    """All of them, and the shifts, fall like n^-1/2: 8 intervals at 99.9 %, a false alarm in 1 of 125 seeds."""
    curves, verdicts = reduced(
        tmp_path / "laws.run",
        experiment="universality",
        model={"depth": 2, "activation": "tanh", "weight_variance": 1.5},
        data={"source": "gaussian", "count": 2, "features": 4},
        sweep={"width": [32, 128, 512], "trials": 48, "model.law": ["gaussian", "rademacher"]},
        verdict={"confidence": 0.999},
    )
    for law, name in itertools.product(("gaussian", "rademacher"), ("nngp", "ntk", "nngp_shift", "ntk_shift")):
        assert has_slope(curves.sel(readout=name, metric="rms", **{"model.law": law}), -0.5)
        assert verdicts["equivalent"].sel(readout=name, **{"model.law": law}).max() != 0
