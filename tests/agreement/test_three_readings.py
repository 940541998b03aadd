"""Three readings of one network agree: width n, sampled limit, exact limit; and the exact limit is the oracles'."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from widthwise.experiments import build, options_of
from widthwise.experiments.options import NTK
from widthwise.models import MLP, activation_names
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program

ORACLES = json.loads((Path(__file__).parents[1] / "theory" / "mlp_oracles.json").read_text())
INPUTS = np.sin(1 + np.arange(4) + 2 * np.arange(3)[:, None] + np.arange(4) * np.arange(3)[:, None])
NAMES = ["mlp_erf_L1", "mlp_erf_L3", "mlp_relu_L1", "mlp_relu_L3"]


def oracle(name: str) -> tuple[MLP, Mapping[str, np.ndarray]]:
    entry = ORACLES[name]
    model = MLP(
        depth=entry["depth"],
        activation=name.split("_")[1],
        weight_variance=entry["weight_variance"],
        bias_variance=entry["bias_variance"],
    )
    return model, {readout: np.array(entry[readout]) for readout in ("nngp", "ntk")}


def measured(model: MLP, space: Space, inputs: np.ndarray = INPUTS) -> Mapping[str, np.ndarray]:
    return {
        name: value.numpy()
        for name, value in build("ntk", {"model": model, "options": NTK()}, inputs).measure(space).items()
    }


def distance(value: np.ndarray, limit: np.ndarray) -> float:
    return float(np.linalg.norm(value - limit) / np.linalg.norm(limit))


def assert_unbiased(values: np.ndarray, limit: np.ndarray, errors: float) -> None:
    """Every entry of the mean over axis 0 within ``errors`` standard errors of the limit."""
    error = values.std(0, ddof=1) / len(values) ** 0.5
    assert (np.abs(values.mean(0) - limit) < errors * error + 1e-12).all(), (values.mean(0) - limit) / error


@pytest.mark.parametrize("name", NAMES)
def test_exact_limit_is_the_oracle(name: str) -> None:
    model, limit = oracle(name)
    exact = build("ntk", {"model": model, "options": NTK()}, INPUTS).exact
    assert exact is not None
    for readout, value in exact().items():
        np.testing.assert_allclose(value, limit[readout], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_sampled_limit_meets_the_oracle(name: str) -> None:
    """4 standard errors of 8 replicates (t with 7 degrees of freedom: 5e-3 an entry, fixed seed), 1e-3 in norm."""
    model, limit = oracle(name)
    values = measured(model, KetSpace(1 << 18, 8))
    for readout in limit:
        assert distance(values[readout].mean(0), limit[readout]) < 1e-3
        assert_unbiased(values[readout], limit[readout], 4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("matrix", ["revealed", "dense"])
def test_width_1024_meets_the_oracle(name: str, matrix: str) -> None:
    """The bias at n = 1024, of order depth / n, is below the error of 32 trials; 4.5 standard errors: 1e-4 an entry."""
    model, limit = oracle(name)
    values = measured(model, FiniteSpace(1024, 32, matrix=matrix, seed=2))  # type: ignore[arg-type]
    for readout in limit:
        assert_unbiased(values[readout], limit[readout], 4.5)


def test_fluctuations_of_revealed_and_dense_networks_are_the_same() -> None:
    """Not only the mean: trials at n = 48 have the same law, by Kolmogorov-Smirnov at 1e-5 for each of 12 entries."""
    model, _ = oracle("mlp_erf_L3")
    revealed, dense = (
        measured(model, FiniteSpace(48, 2000, matrix=matrix, seed=seed))  # type: ignore[arg-type]
        for seed, matrix in enumerate(("revealed", "dense"))
    )
    for readout in ("nngp", "ntk"):
        for i, j in zip(*np.triu_indices(3), strict=True):
            assert stats.ks_2samp(revealed[readout][:, i, j], dense[readout][:, i, j]).pvalue > 1e-5


@pytest.mark.parametrize("activation", sorted(set(activation_names()) - {"step"}))
def test_every_activation_sampled_against_exact(activation: str) -> None:
    """6 standard errors of 8 replicates (t with 7 degrees of freedom: 5e-4 an entry), 1e-2 in norm."""
    model = MLP(depth=2, activation=activation, weight_variance=1.3, bias_variance=0.2)
    exact = build("ntk", {"model": model, "options": NTK()}, INPUTS).exact
    assert exact is not None
    values = measured(model, KetSpace(1 << 15, 8, dtype=torch.float64))
    for readout, limit in exact().items():
        assert distance(values[readout].mean(0), limit) < 1e-2
        assert_unbiased(values[readout], limit, 6)


def test_rqmc_is_closer_than_mc() -> None:
    model, limit = oracle("mlp_erf_L3")
    for readout in limit:
        rqmc, mc = (
            np.sqrt(np.mean((measured(model, KetSpace(1 << 16, 8, estimator=e))[readout] - limit[readout]) ** 2))  # type: ignore[arg-type]
            for e in ("rqmc", "mc")
        )
        assert rqmc < mc / 3


def test_nngp_alone_is_the_same_kernel() -> None:
    model, _ = oracle("mlp_erf_L3")
    alone = build("nngp", {"model": model}, INPUTS).measure(FiniteSpace(200, 2))["nngp"]
    torch.testing.assert_close(
        alone, build("ntk", {"model": model, "options": NTK()}, INPUTS).measure(FiniteSpace(200, 2))["nngp"]
    )


@pytest.mark.parametrize("name", ["nngp", "ntk"])
def test_the_experiments_keep_to_the_language(name: str) -> None:
    def program(space: Space) -> Mapping[str, Tensor]:
        return build(name, {"model": MLP(bias_variance=0.1), "options": options_of(name)()}, INPUTS).measure(space)

    check_program(program)


def test_the_tangent_kernel_is_that_of_plain_torch() -> None:
    """Second algorithm: the network written with weight tensors, its gradients by autograd, on the entries of ours."""
    n, model = 20, MLP(depth=2, activation="tanh", weight_variance=1.4)
    space = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    kernel = build("ntk", {"model": model, "options": NTK()}, INPUTS).measure(space)["ntk"][0]

    # The same random numbers in the same order: input weights, hidden weights, readout.
    draws = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    entries = [draws.entries(matrix)[0] for matrix in (draws.matrix(features=4, variance=4), draws.matrix(variance=n))]
    w1, w2, v = (each.clone().requires_grad_() for each in (*entries, draws.vector()[0].mT))
    x = torch.from_numpy(INPUTS)
    h1 = (1.4 / 4) ** 0.5 * x @ w1.mT
    h2 = (1.4 / n) ** 0.5 * torch.tanh(h1) @ w2.mT
    f = torch.tanh(h2) @ v / n**0.5
    gradients = [torch.cat([g.flatten() for g in torch.autograd.grad(y, (w1, w2, v), retain_graph=True)]) for y in f]
    expected = torch.stack(gradients) @ torch.stack(gradients).mT
    torch.testing.assert_close(kernel, expected)
