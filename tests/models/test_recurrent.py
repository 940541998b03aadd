"""Recurrent nets: the programs are the textbooks', their tangent kernels those of plain torch, their limits known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from plain_recurrent import plain_states, weights_of
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.experiments import build
from widthwise.experiments.options import NTK
from widthwise.models import GRU, LSTM, MODELS, RNN
from widthwise.models.recurrent import Recurrent
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program

STEPS = 4
INPUTS = np.sin(1 + np.arange(12) + 2 * np.arange(2)[:, None] + np.arange(12) * np.arange(2)[:, None])
STRONG: Mapping[str, Any] = {"steps": STEPS, "weight_variance": 4.0, "input_variance": 1.2}
EACH = pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
TIED = pytest.mark.parametrize("tied", [True, False])

ERRORS = 5.0
"""By chance exceeded once in 5e4 by the mean of 32 replicates (Student's t), once in 2e6 by a normal number."""


def network(kind: type[Recurrent], **parameters: object) -> Recurrent:
    return kind.model_validate({**STRONG, **parameters})


def dense(n: int) -> FiniteSpace:
    return FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")


def kernels(space: Space, model: Recurrent) -> Mapping[str, Tensor]:
    values = build("ntk", {"model": model, "options": NTK()}, INPUTS).measure(space)
    return {name: value.detach().double() for name, value in values.items()}


def nngp(space: Space, model: Recurrent, inputs: np.ndarray) -> Tensor:
    return build("nngp", {"model": model}, inputs).measure(space)["nngp"].double()


def standard_error(values: Tensor) -> Tensor:
    return values.std(0) / len(values) ** 0.5


def distance_in_errors(values: Tensor, others: Tensor) -> Tensor:
    """Between means over axis 0, entry by entry."""
    error = torch.hypot(standard_error(values), standard_error(others))
    return (values.mean(0) - others.mean(0)).abs() / error


@EACH
@TIED
def test_states_are_those_of_plain_torch(kind: type[Recurrent], tied: bool) -> None:
    model, space, x = network(kind, tied=tied, bias_variance=0.4), dense(9), torch.from_numpy(INPUTS)
    states = model.states(space, x)
    gates = weights_of(model, space.matrices, [space.entries(matrix)[0] for matrix in space.matrices])
    expected = plain_states(model, gates, x.reshape(2, STEPS, 3))
    assert len(states) == len(expected) == STEPS
    for state, other in zip(states, expected, strict=True):
        torch.testing.assert_close(state[0], other, rtol=1e-12, atol=1e-12)
    last = model.readout(states[-1])[0]
    torch.testing.assert_close(last, torch.tanh(expected[-1]) if kind is RNN else expected[-1])


@EACH
@TIED
@pytest.mark.parametrize("biases", [True, False])
def test_the_tangent_kernel_is_that_of_plain_torch(kind: type[Recurrent], tied: bool, biases: bool) -> None:
    """Gradients by autograd with respect to weight tensors; one of them used at several steps has one gradient."""
    n, model, x = 9, network(kind, tied=tied, bias_variance=0.4), torch.from_numpy(INPUTS)
    tangent = build("ntk", {"model": model, "options": NTK(biases=biases)}, INPUTS).measure(dense(n))["ntk"][0]

    space = dense(n)  # draws the same numbers in the same order: the network, output weights
    model.states(space, x)
    leaves = [space.entries(matrix)[0].requires_grad_() for matrix in space.matrices]
    v = space.vector()[0, 0].requires_grad_()
    states = plain_states(model, weights_of(model, space.matrices, leaves), x.reshape(2, STEPS, 3))
    f = model.readout(states[-1]) @ v / n**0.5
    expected = torch.zeros(2, 2, dtype=torch.float64)
    # Entries are sqrt(variance / fan-in) times a parameter of variance 1.
    scales = [m.variance / m.columns.size * (biases or not m.is_bias) for m in space.matrices]
    for leaf, scale in zip([*leaves, v], [*scales, 1.0], strict=True):
        gradients = [torch.autograd.grad(y, leaf, retain_graph=True, materialize_grads=True)[0].flatten() for y in f]
        expected += scale * torch.stack(gradients) @ torch.stack(gradients).mT
    torch.testing.assert_close(tangent, expected, rtol=1e-10, atol=1e-10)


def test_tied_and_untied_rnns_have_one_limit_and_it_is_exact() -> None:
    tied, untied = (kernels(KetSpace(2048, 32), network(RNN, tied=each, bias_variance=0.3)) for each in (True, False))
    exact = build("ntk", {"model": network(RNN, bias_variance=0.3), "options": NTK()}, INPUTS).exact
    assert exact is not None
    for readout, limit in exact().items():
        assert (distance_in_errors(tied[readout], untied[readout]) < ERRORS).all()
        for values in (tied[readout], untied[readout]):
            distance = (values.mean(0) - torch.from_numpy(limit)).abs()
            assert (distance < ERRORS * standard_error(values)).all()


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_tied_and_untied_gates_have_limits_of_their_own_and_finite_networks_tell_them_apart(
    kind: type[Recurrent],
) -> None:
    """Inputs at the first step only, so that all later steps see is W; width 512 has a bias below the error of 64."""
    first_step = INPUTS * (np.arange(INPUTS.shape[1]) < INPUTS.shape[1] // STEPS)
    (tied, wide_tied), (untied, wide_untied) = (
        (nngp(KetSpace(2048, 32), model, first_step), nngp(FiniteSpace(512, 64, seed=3), model, first_step))
        for model in (network(kind, tied=True), network(kind, tied=False))
    )
    assert (distance_in_errors(wide_tied, tied) < ERRORS).all()
    assert (distance_in_errors(wide_untied, untied) < ERRORS).all()
    for one, other in ((tied, untied), (wide_tied, untied), (tied, wide_untied)):
        assert (distance_in_errors(one, other) > 2 * ERRORS).all()


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_both_estimators_of_the_dots_agree(kind: type[Recurrent]) -> None:
    model = network(kind, bias_variance=0.3)
    rqmc = kernels(KetSpace(1024, 32), model)
    derivative = kernels(KetSpace(512, 32, seed=1, estimator="derivative"), model)
    for readout, values in rqmc.items():
        assert (distance_in_errors(values, derivative[readout]) < ERRORS).all()


@EACH
@TIED
@pytest.mark.parametrize("steps", [1, 3])
def test_recurrent_nets_keep_to_the_language(kind: type[Recurrent], tied: bool, steps: int) -> None:
    model = network(kind, tied=tied, steps=steps, bias_variance=0.1)
    check_program(lambda space: build("ntk", {"model": model, "options": NTK(biases=True)}, INPUTS).measure(space))


@EACH
def test_one_step_is_one_layer(kind: type[Recurrent]) -> None:
    (state,) = network(kind, steps=1).states(FiniteSpace(8, 3), torch.from_numpy(INPUTS))
    assert state.shape == (3, 2, 8)


@EACH
@TIED
def test_features_that_are_no_steps_are_refused_in_one_line(kind: type[Recurrent], tied: bool) -> None:
    with pytest.raises(SpecError, match=r"^model\.steps: 5 does not divide the 12 features .* for example 4$"):
        network(kind, steps=5, tied=tied).states(FiniteSpace(8), torch.from_numpy(INPUTS))


def test_the_catalogue_has_them() -> None:
    assert [MODELS[name] for name in ("rnn", "gru", "lstm")] == [RNN, GRU, LSTM]
