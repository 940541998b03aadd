"""Three routes to the spectrum of a Jacobian: matrices at finite width, Lanczos in the program, free probability."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.experiments import Experiment, build
from widthwise.experiments.jacobian_limits import limit_law
from widthwise.experiments.options import JacobianSpectrum
from widthwise.models import MLP, RNN, Architecture, ResNet
from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.theory.cells import borders, cell_means

INPUTS = np.sin(1 + np.arange(4))[None] * 2
STEPS = 3
REPLICATES = 16
LAWS = ("gaussian", "uniform", "rademacher")

Model = Callable[[str], Architecture]

MODELS: dict[str, Model] = {
    "tanh": lambda law: MLP(depth=5, activation="tanh", weight_variance=1.5, law=law),
    "relu": lambda law: MLP(depth=5, activation="relu", weight_variance=2.0, law=law),
    "gelu": lambda law: MLP(depth=5, activation="gelu", weight_variance=2.0, law=law),
    "hard_tanh": lambda law: MLP(depth=5, activation="hard_tanh", weight_variance=1.2, law=law),
    "resnet": lambda law: ResNet(depth=4, activation="tanh", branch_scale=0.8, law=law),
    "tied resnet": lambda law: ResNet(depth=4, activation="tanh", branch_scale=0.8, tied=True, law=law),
    "rnn": lambda law: RNN(steps=4, activation="tanh", weight_variance=1.5, tied=False, law=law),
    "tied rnn": lambda law: RNN(steps=4, activation="tanh", weight_variance=1.5, law=law),
}


def experiment(model: Architecture) -> Experiment:
    return build("jacobian_spectrum", {"model": model, "options": JacobianSpectrum(steps=STEPS)}, INPUTS)


def assert_routes_agree(model: Architecture, *, width: int, samples: int) -> None:
    """Each of 6 coefficients and of 8 parts of the spectrum within 5 standard errors of 16 replicates, and biases.

    A false alarm once in 4e2 seeds. Biases are of the order 1 / width, times some layers, and 1 / samples: what is
    allowed is 10 of the one and of the other, relative to the largest eigenvalue for parts of the spectrum.
    """
    this, law = experiment(model), limit_law(model, INPUTS)
    assert law is not None
    exact = np.stack(law.recurrence(STEPS))
    for space, bias in ((KetSpace(samples, REPLICATES), 10 / samples), (FiniteSpace(width, REPLICATES), 10 / width)):
        values = {name: value.detach().double().numpy() for name, value in this.measure(space).items()}
        found = np.stack([values["alpha"], values["beta"]])
        error = 5 * found.std(1, ddof=1) / REPLICATES**0.5 + bias * exact
        np.testing.assert_array_less(np.abs(found.mean(1) - exact), error)
    parts, expected = cell_means(values["spectrum"], borders("even", 8)), law.cells(borders("even", 8))
    error = 5 * parts.std(0, ddof=1) / REPLICATES**0.5 + bias * (expected + expected.mean())
    np.testing.assert_array_less(np.abs(parts.mean(0) - expected), error)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("tanh", "gaussian"),
        ("relu", "rademacher"),
        ("hard_tanh", "uniform"),
        ("resnet", "uniform"),
        ("tied resnet", "rademacher"),
        ("tied rnn", "gaussian"),
    ],
)
def test_the_routes_agree(name: str, law: str) -> None:
    assert_routes_agree(MODELS[name](law), width=96, samples=512)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", MODELS)
def test_all_routes_agree(name: str, law: str) -> None:
    assert_routes_agree(MODELS[name](law), width=384, samples=8192)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("model", [{"name": "mlp", "depth": 5}, {"name": "resnet", "depth": 4, "tied": True}])
def test_spectra_approach_their_law_whatever_the_entries(tmp_path: Path, model: dict[str, object]) -> None:
    """W2 falls between n^-1, of rigid eigenvalues, and n^-1/2, of a first state of n coordinates (slopes at 95 %)."""
    spec = {
        "experiment": "jacobian_spectrum",
        "model": model | {"activation": "tanh", "weight_variance": 1.5},
        "data": {"source": "sphere", "count": 1},
        "sweep": {"width": [32, 64, 128], "trials": 64, "model.law": list(LAWS)},
        "limit": {"samples": 4096, "replicates": 8},
    }
    curves = widthwise.open(widthwise.run(spec, tmp_path / "x.run", address="inline"))["curves"].to_dataset()
    spectrum = curves.sel(readout="spectrum", metric="w2")
    assert (curves["reference"] == 1).all()
    assert (spectrum["slope_high"] > -1.1).all()
    assert (spectrum["slope_low"] < -0.5).all()
    assert (spectrum["value"].isel(width=-1) < 0.6 * spectrum["value"].isel(width=0)).all()
