"""What every architecture keeps to: the language, a limit by two routes, convergence to it, the laws of weights."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import INPUTS, SMALL, kernel_experiment, kernels, network
from torch import Tensor

import widthwise
from widthwise.experiments import build
from widthwise.experiments.data import Data
from widthwise.experiments.inputs import load_inputs
from widthwise.experiments.options import NTK
from widthwise.models import MODELS
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program

REPLICATES = 16


def assert_means_agree(values: np.ndarray, others: np.ndarray | float, rounding: float = 1e-6) -> None:
    """Every entry of the means over axis 0 within 6 standard errors of their difference: 2.4e-5 each of 16."""
    mean, error = values.mean(0), values.var(0, ddof=1) / len(values)
    if isinstance(others, np.ndarray) and others.ndim == values.ndim:
        error = error + others.var(0, ddof=1) / len(others)
        others = others.mean(0)
    assert (np.abs(mean - others) <= 6 * np.sqrt(error) + rounding).all(), (mean - others) / np.sqrt(error)


def test_there_is_a_small_network_of_every_architecture() -> None:
    assert {table["name"] for table in SMALL.values()} == MODELS.keys()


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
def test_networks_keep_to_the_language(name: str, law: str) -> None:
    def program(space: Space) -> Mapping[str, Tensor]:
        model = network(name, law=law, vector_law="laplace")
        states = model.states(space, torch.from_numpy(INPUTS))
        sizes = torch.cat([space.avg(state**2).flatten(1) for state in states], 1)
        signals = build("signal_propagation", {"model": model}, INPUTS).measure(space)
        return {"sizes": sizes, **signals, **kernel_experiment(model).measure(space)}

    check_program(program)


@pytest.mark.parametrize("name", SMALL)
def test_the_limit_is_that_of_another_route(name: str) -> None:
    """The recursion where all kets are Gaussian, else dots from derivatives. 270 numbers: a false alarm in 1 of 150."""
    model = network(name)
    sampled = kernels(model, KetSpace(1 << 12, REPLICATES, dtype=torch.float64))
    exact = kernel_experiment(model).exact
    other = exact() if exact else kernels(model, KetSpace(1 << 12, REPLICATES, estimator="derivative", seed=1))
    for readout, values in sampled.items():
        assert_means_agree(values, other[readout])
        assert np.abs(values.std(0)).max() < 0.1 * np.abs(values.mean(0)).max()


@pytest.mark.parametrize("name", SMALL)
def test_kernels_approach_the_limit_like_the_root_of_the_width(name: str, tmp_path: Path) -> None:
    """The interval of each slope holds -1/2: 28 of them at 99.9 %, a false alarm in 1 of 35 seeds, none on this one."""
    assert_slopes(name, tmp_path, widths=[32, 128, 512], trials=48, samples=1 << 13)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_large_kernels_approach_the_limit_like_the_root_of_the_width(name: str, tmp_path: Path) -> None:
    """As above, to width 16,384, where the limit is confirmed to 2 %."""
    run = assert_slopes(name, tmp_path, widths=[64, 256, 1024, 4096, 16384], trials=64, samples=1 << 16)
    verdicts = widthwise.open(run)["verdicts"]
    assert (verdicts["equivalent"] == 1).all(), verdicts["equivalent"]


def assert_slopes(name: str, tmp_path: Path, *, widths: list[int], trials: int, samples: int) -> Path:
    """A run of the kernels of a small network; the fitted slope of every rms is confirmed."""
    model = network(name)
    np.save(tmp_path / "inputs.npy", INPUTS)
    run = widthwise.run(
        {
            "experiment": "nngp" if model.no_tangent_kernel else "ntk",
            "model": SMALL[name],
            "data": {"source": "file", "path": str(tmp_path / "inputs.npy")},
            "sweep": {"width": widths, "trials": trials},
            "limit": {"samples": samples, "replicates": 8},
            "verdict": {"confidence": 0.999, "tolerance": 0.02},
        },
        tmp_path / "kernels.run",
        address="inline",
    )
    curves = widthwise.open(run)["curves"].sel(metric="rms")
    assert ((curves["slope_low"] <= -0.5) & (curves["slope_high"] >= -0.5)).all(), curves["slope"]
    assert ((curves["slope_high"] - curves["slope_low"]) < 0.9).all()
    return run


@pytest.mark.parametrize("name", SMALL)
def test_the_limit_of_a_network_depends_on_the_law_of_its_vectors_only(name: str) -> None:
    """Kets of matrices of signs are the same bits; those of vectors of signs are others."""
    gaussian, matrices, vectors = (
        kernels(network(name, **laws), KetSpace(256, 2))["nngp"]
        for laws in ({}, {"law": "rademacher"}, {"vector_law": "rademacher"})
    )
    np.testing.assert_array_equal(gaussian, matrices)
    assert np.abs(vectors - gaussian).max() > 1e-4


@pytest.mark.parametrize("name", SMALL)
def test_matrices_of_signs_have_the_same_limit(name: str) -> None:
    """At width 512 within 6 standard errors of the limit, and 3 % for the bias of order 1/n."""
    model = network(name, law="rademacher")
    limit = kernels(model, KetSpace(1 << 12, 4))
    for readout, values in kernels(model, FiniteSpace(512, REPLICATES)).items():
        assert_means_agree(values, limit[readout].mean(0), rounding=0.03 * float(np.abs(limit[readout]).max()))


@pytest.mark.parametrize("name", SMALL)
def test_signals_and_gradients_are_those_of_the_limit(name: str) -> None:
    """State by state at width 512, within 6 standard errors of the limit, and 3 % of the largest for the bias."""
    propagation = build("signal_propagation", {"model": network(name)}, INPUTS)
    limit, finite = (
        {readout: value.detach().double().numpy() for readout, value in propagation.measure(space).items()}
        for space in (KetSpace(1 << 12, 4), FiniteSpace(512, REPLICATES))
    )
    for readout, values in finite.items():
        assert_means_agree(values, limit[readout].mean(0), rounding=0.03 * float(np.abs(limit[readout]).max()))


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"batch_norm"}))
def test_single_precision_is_the_same_network_on_real_images(name: str) -> None:
    """Rows of pixels are vectors of deficient rank; rounding must not decide in which directions a matrix is drawn."""
    experiment = build(
        "ntk", {"model": MODELS[name].model_validate({}), "options": NTK()}, load_inputs(Data(count=4), 0)
    )
    single, double = (experiment.measure(FiniteSpace(128, dtype=dtype)) for dtype in (torch.float32, torch.float64))
    for readout, value in double.items():
        assert torch.linalg.norm(single[readout].double() - value) < 1e-4 * torch.linalg.norm(value)


def test_a_network_without_a_tangent_kernel_says_why() -> None:
    with pytest.raises(widthwise.SpecError, match=r"model\.name: 'batch_norm' has no neural tangent kernel: .*batch"):
        build("ntk", {"model": network("batch_norm"), "options": NTK()}, INPUTS)


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "conv1d", "graph", "attention", "transformer", "conv2d"])
def test_features_that_do_not_fit_are_one_line(name: str) -> None:
    with pytest.raises(widthwise.SpecError, match=r"^model\.(steps|positions|nodes|height)[^\n]*5 features[^\n]*$"):
        kernels(network(name), FiniteSpace(4), np.ones((2, 5)))
