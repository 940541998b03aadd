"""Spectra of Jacobians: three ways to the same law, from any first state to any last, over inputs and positions."""

import numpy as np
import pytest
import torch
from acceptance import REPLICATES, assert_mean_is, assert_means_agree

from widthwise.errors import ProgramError, SpecError
from widthwise.experiments import Experiment, build
from widthwise.experiments.jacobian_spectrum import CELLS, LARGEST_SPECTRUM
from widthwise.experiments.options import JacobianSpectrum
from widthwise.experiments.words import letters, traces
from widthwise.models import GRU, LSTM, MLP, RNN, Architecture, BatchNorm, Conv1d, GraphNet, ResNet
from widthwise.spaces import FiniteSpace, KetSpace, Space, jacobian

INPUTS = np.sin(1 + np.arange(4) + 2 * np.arange(5)[:, None])


def experiment(model: Architecture, count: int = 1, steps: int = 6) -> Experiment:
    return build("jacobian_spectrum", {"model": model, "options": JacobianSpectrum(steps=steps)}, INPUTS[:count])


def measured(model: Architecture, space: Space, count: int = 1, steps: int = 6) -> dict[str, np.ndarray]:
    values = experiment(model, count, steps).measure(space)
    return {readout: value.detach().double().numpy() for readout, value in values.items()}


@pytest.mark.parametrize(("law", "ratios"), [("gaussian", (2.0, 1.0)), ("rademacher", ()), ("orthogonal", ())])
def test_moments_are_those_of_the_spectrum(law: str, ratios: tuple[float, ...]) -> None:
    """Of J^T J as its random vector sees them and as its eigenvalues have them: 32 networks, 5 standard errors.

    A false alarm once in 8e3 seeds.
    """
    model = MLP(depth=3, activation="tanh", weight_variance=1.5, law=law, ratios=ratios)
    values = measured(model, FiniteSpace(64, REPLICATES))
    powers = np.stack([(values["spectrum"] ** k).mean(1) for k in (1, 2)], 1)
    assert_means_agree(values["moment"][:, :2], powers)
    np.testing.assert_allclose(values["moment"][:, 0], values["alpha"][:, 0])
    np.testing.assert_allclose(values["moment"][:, 1], values["alpha"][:, 0] ** 2 + values["beta"][:, 0] ** 2)


def test_the_largest_layer_decides_how_much_there_is() -> None:
    """A Jacobian of 2 n columns and n rows has n zeros; half of the quantiles are 0."""
    values = measured(MLP(depth=3, ratios=(2.0, 1.0)), FiniteSpace(64, 2))
    spectrum = values["spectrum"]
    assert spectrum.shape == (2, CELLS)
    assert not spectrum[:, : CELLS // 2].any()
    assert (spectrum[:, CELLS // 2 :] > 0).all()


def test_the_limit_knows_the_widths() -> None:
    """Moments of kets between states of other widths: 5 standard errors, biases of width 350 below 3 %."""
    model = MLP(depth=3, activation="relu", weight_variance=2.0, ratios=(3.0, 0.5))
    finite, ket = (measured(model, space, steps=2)["moment"] for space in (FiniteSpace(350, 32), KetSpace(1024, 32)))
    error = np.sqrt((finite.var(0) + ket.var(0)) / 31)
    assert (np.abs(finite.mean(0) - ket.mean(0)) <= 5 * error + 0.03 * ket.mean(0))[:2].all()


def test_one_step_knows_two_moments() -> None:
    this = experiment(MLP(), steps=1)
    assert {readout.name: readout.shape for readout in this.readouts}["moment"] == (2,)
    assert this.measure(FiniteSpace(8, 2))["moment"].shape == (2, 2)


def test_inputs_and_positions_are_one_operator() -> None:
    """Three nodes of one cycle share all they have, and five inputs nothing: 15 times as many eigenvalues."""
    model, space = GraphNet(nodes=2, depth=3, activation="identity"), FiniteSpace(4, 2, dtype=torch.float64)
    first, *_, last = model.states(space, torch.from_numpy(INPUTS))
    entries = jacobian(space, last, first).entries().reshape(2, 5, 2, 4, 5, 2, 4)
    blocks = torch.einsum("rimaiqb->rimaqb", entries)
    assert not (entries.abs().sum() - blocks.abs().sum()).abs() > 1e-9 * blocks.abs().sum()
    torch.testing.assert_close(blocks, blocks[:, :1].expand_as(blocks))
    torch.testing.assert_close(blocks[:, :, 0, :, 0], blocks[:, :, 1, :, 0])


def test_a_batch_is_one_operator() -> None:
    """Batch norm takes no notice of what all five inputs have in common: a fifth of the eigenvalues is 0, no more."""
    values = measured(BatchNorm(depth=2, activation="tanh"), FiniteSpace(40, 2, dtype=torch.float64), count=5)
    shares = values["spectrum"][:, [CELLS // 5 - 16, CELLS // 5 + 16]] / values["spectrum"].mean(1, keepdims=True)
    assert (shares[:, 0] < 1e-24).all()
    assert (shares[:, 1] > 1e-18).all()


@pytest.mark.parametrize(("model", "n", "known"), [
    (MLP(depth=2), LARGEST_SPECTRUM, True),
    (MLP(depth=2), LARGEST_SPECTRUM + 1, False),
    (MLP(depth=2, ratios=(2.0,)), LARGEST_SPECTRUM // 2 + 1, False),
    (Conv1d(positions=4), LARGEST_SPECTRUM // 4 + 1, False),
])  # fmt: skip
def test_large_spectra_are_left_out(model: Architecture, n: int, known: bool) -> None:
    values = measured(model, FiniteSpace(n), steps=1)
    assert np.isnan(values["spectrum"]).all() != known
    assert np.isfinite(values["moment"]).all()


@pytest.mark.parametrize(
    ("model", "key"),
    [(MLP(depth=1), "depth"), (ResNet(depth=1), "depth"), *((kind(steps=1), "steps") for kind in (RNN, GRU, LSTM))],
)
def test_a_single_state_has_no_jacobian(model: Architecture, key: str) -> None:
    with pytest.raises(SpecError, match=rf"^model\.{key}: 1 leaves a single state and no Jacobian; choose at least 2$"):
        experiment(model)


def test_of_kets_there_are_no_entries() -> None:
    space = KetSpace(16, 2)
    first, *_, last = MLP().states(space, torch.from_numpy(INPUTS))
    with pytest.raises(ProgramError, match=r"^entries: a Jacobian has none in the limit"):
        jacobian(space, last, first).entries()


def test_freeness_vanishes_whatever_the_shape() -> None:
    """Of W with 4 times as many rows as columns, and the other way round, with another variance."""
    for ratio in (0.5, 2.0):
        model = MLP(depth=2, ratios=(ratio,), weight_variance=1.7, activation="relu", bias_variance=0.3)
        values = measured(model, FiniteSpace(LARGEST_SPECTRUM + 1, REPLICATES), steps=1)
        assert_mean_is(values["freeness"], 0.0, rounding=2e-3)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_letters_are_centred(ratio: float) -> None:
    """Traces of A, B and C by a random vector, 5 standard errors: once in 2e4 seeds for each ratio."""
    space = FiniteSpace(600, REPLICATES)
    w = space.matrix(space.dim("rows", ratio), variance=1.7)
    known = letters(w)
    on_columns = traces(space, known, ("A", "B"), space.vector(w.columns))
    on_rows = traces(space, known, ("C",), space.vector(w.rows))
    assert_mean_is(torch.cat([on_columns, on_rows], 1).detach().double().numpy(), 0.0, rounding=5e-3)


def test_exact_limits_say_what_they_know() -> None:
    """Of every network that its matrices are free; of one without a law nothing else."""
    exact = experiment(GRU(steps=2)).exact
    assert exact is not None
    values = exact()
    assert not values.pop("freeness").any()
    assert all(np.isnan(value).all() for value in values.values())


def test_the_law_of_a_perceptron_is_that_of_its_kets() -> None:
    """Coefficients and moments by free probability and by Lanczos, 5 standard errors and the bias of 2,048 samples.

    A false alarm once in 3e3 seeds.
    """
    model = MLP(depth=4, activation="tanh", weight_variance=1.5)
    exact = experiment(model, steps=3).exact
    assert exact is not None
    limit, values = exact(), measured(model, KetSpace(1 << 11, REPLICATES), steps=3)
    for name in ("alpha", "beta", "moment", "freeness"):
        assert_mean_is(values[name], limit[name], rounding=5e-3)
    np.testing.assert_allclose(limit["spectrum"].mean(), limit["moment"][0], rtol=1e-4)
