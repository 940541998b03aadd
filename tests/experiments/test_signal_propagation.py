"""Signals and error signals, state by state: sampled, finite and exact readings agree, and plain autograd with them."""

import numpy as np
import pytest
import torch
from acceptance import INPUTS, REPLICATES, Values, assert_mean_is, assert_means_agree

from widthwise.experiments import Experiment, build
from widthwise.models import MLP, RNN, Architecture, Autoencoder, BatchNorm, Conv1d, ResNet
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program
from widthwise.theory import chi_1, closed_forms

WIDE = np.sin(1 + np.arange(8) + 2 * np.arange(2)[:, None])
"""Inputs whose features divide into positions or steps."""

EXACT: tuple[Architecture, ...] = (
    MLP(depth=4, activation="tanh", weight_variance=1.7, bias_variance=0.2),
    MLP(depth=3, bias_variance=0.1, ratios=(0.5, 2.0)),
    ResNet(depth=4, bias_variance=0.1, branch_scale=0.7),
    RNN(steps=4, bias_variance=0.1),
    Conv1d(positions=4, depth=3, activation="erf", stride=2),
    Autoencoder(tied=False, ratios=(0.5,)),
)
SAMPLED: tuple[Architecture, ...] = (ResNet(depth=4, tied=True), Autoencoder(ratios=(0.5,)))


def of(model: Architecture, inputs: np.ndarray = WIDE) -> Experiment:
    return build("signal_propagation", {"model": model}, inputs)


def measured(experiment: Experiment, space: Space) -> Values:
    return {name: value.numpy() for name, value in experiment.measure(space).items()}


@pytest.mark.parametrize("model", EXACT, ids=lambda model: model.name)
def test_the_sampled_limit_is_the_exact_one(model: Architecture) -> None:
    """Some 130 numbers, 5 standard errors of 32 replicates: a false alarm once in 400 seeds for all networks."""
    this = of(model)
    assert this.exact is not None
    exact, values = this.exact(), measured(this, KetSpace(1 << 12, REPLICATES, dtype=torch.float64))
    for name, limit in exact.items():
        assert_mean_is(values[name], limit, 1e-4)


@pytest.mark.parametrize("model", EXACT, ids=lambda model: model.name)
def test_wide_networks_are_near_the_exact_limit(model: Architecture) -> None:
    """The bias at n = 2048, of order depth / n, is below the error of 32 trials; false alarms as above."""
    this = of(model)
    assert this.exact is not None
    exact, values = this.exact(), measured(this, FiniteSpace(2048, REPLICATES, seed=1))
    for name, limit in exact.items():
        assert_mean_is(values[name], limit, 1e-3)


@pytest.mark.parametrize("model", SAMPLED, ids=lambda model: model.name)
def test_wide_networks_are_near_the_sampled_limit_where_no_other_is_known(model: Architecture) -> None:
    this = of(model)
    assert this.exact is None
    finite, kets = (measured(this, space) for space in (FiniteSpace(2048, REPLICATES), KetSpace(1 << 13, REPLICATES)))
    for name, values in finite.items():
        assert_means_agree(values, kets[name])


@pytest.mark.parametrize("model", [*EXACT, *SAMPLED], ids=lambda model: model.name)
def test_it_keeps_to_the_language(model: Architecture) -> None:
    check_program(of(model).measure)


def test_batch_norm_has_error_signals_of_the_sum_of_all_outputs() -> None:
    """A shift of the whole batch changes no output, so that their sum does not feel it: signals add up to 0."""
    model = BatchNorm(depth=2, activation="erf")
    gradient = measured(of(model, np.vstack([WIDE, np.cos(WIDE)])), FiniteSpace(64, 4, dtype=torch.float64))["gradient"]
    np.testing.assert_allclose(gradient.sum((-1, -2)), 0.0, atol=1e-12 * gradient.max())
    assert (np.einsum("rsii->rsi", gradient) > 0).all()


def test_signals_and_gradients_are_those_of_plain_torch() -> None:
    """Second algorithm: weight tensors, autograd, on the entries of ours."""
    n, bias = 20, 0.3
    model = MLP(depth=2, activation="tanh", weight_variance=1.4, bias_variance=bias)
    values = measured(of(model, INPUTS), FiniteSpace(n, 1, dtype=torch.float64, matrix="dense"))

    # The same random numbers in the same order: weights and bias of each layer, readout.
    draws = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    zeros = torch.zeros(1, 1, n, dtype=torch.float64)
    w1, b1 = draws.entries(draws.matrix(features=3, variance=1.4))[0], draws.bias(bias)(zeros)[0, 0]
    w2, b2 = draws.entries(draws.matrix(variance=1.4))[0], draws.bias(bias)(zeros)[0, 0]
    v = draws.vector()[0, 0]
    h1 = (torch.from_numpy(INPUTS) @ w1.mT + b1).requires_grad_()
    h2 = torch.tanh(h1) @ w2.mT + b2
    signals = torch.autograd.grad((torch.tanh(h2) @ v).sum(), (h1, h2))
    for index, (h, dh) in enumerate(zip((h1, h2), signals, strict=True)):
        np.testing.assert_allclose(values["covariance"][0, index], (h @ h.mT / n).detach(), rtol=1e-10)
        np.testing.assert_allclose(values["gradient"][0, index], (dh @ dh.mT / n).detach(), rtol=1e-10)


@pytest.mark.parametrize("weight_variance", [1.0, 3.0])
def test_gradients_of_deep_layers_grow_by_chi(weight_variance: float) -> None:
    """32 trials of width 2048: the ratio of two neighbours within 2 %, chi being 0.71 in order and 1.35 in chaos."""
    this = of(MLP(depth=16, weight_variance=weight_variance, bias_variance=0.1))
    chi = chi_1(closed_forms["erf"], weight_variance, 0.1)
    gradient = measured(this, FiniteSpace(2048, REPLICATES))["gradient"].mean(0)
    assert gradient[9, 0, 0] / gradient[10, 0, 0] == pytest.approx(chi, rel=0.02)
    assert (gradient[0, 0, 0] > gradient[-1, 0, 0]) == (chi > 1)


def test_states_are_counted_from_1() -> None:
    for readout in of(RNN(steps=4)).readouts:
        assert readout.profile == "state"
        assert readout.coords["state"] == (1, 2, 3, 4)
        assert readout.shape == (4, 2, 2)
