"""Gradients through time: those of plain torch, finite nets on their way to the limit, closed forms, refusals."""

import numpy as np
import pytest
import torch
from acceptance import ERRORS, assert_mean_is, assert_means_agree, standard_error
from torch import Tensor, nn
from torch.func import functional_call

from widthwise.errors import SpecError
from widthwise.experiments import Experiment, build
from widthwise.models import GRU, LSTM, MLP, RNN, Architecture
from widthwise.spaces import FiniteSpace, KetSpace, Space

STEPS = 5
INPUTS = np.cos(1 + np.arange(10) + 3 * np.arange(2)[:, None] + np.arange(10) * np.arange(2)[:, None])
MODELS: list[RNN | GRU | LSTM] = [
    kind(steps=STEPS, weight_variance=3.0, bias_variance=0.2, tied=tied)
    for kind in (RNN, GRU, LSTM)
    for tied in (True, False)
]
EACH = pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.name}-{model.tied}")


def experiment(model: Architecture) -> Experiment:
    return build("recurrent_gradients", {"model": model}, INPUTS)


def measured(model: Architecture, space: Space) -> dict[str, np.ndarray]:
    values = experiment(model).measure(space)
    return {readout: value.detach().double().numpy() for readout, value in values.items()}


def drawn(model: Architecture, n: int) -> tuple[FiniteSpace, list[Tensor], Tensor]:
    """A dense network of one trial: its space, its states and the output weights that come after it."""
    space = FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")
    states = [state[0].detach() for state in model.states(space, torch.from_numpy(INPUTS))]
    return space, states, space.vector()[0, 0]


@pytest.mark.parametrize("tied", [True, False])
def test_error_signals_of_an_rnn_follow_the_chain_rule(tied: bool) -> None:
    """Without autograd: ds_t = phi'(s_t) W^T ds_{t+1}."""
    n, model = 11, RNN(steps=STEPS, weight_variance=3.0, tied=tied)
    space, states, v = drawn(model, n)
    matrices = [space.entries(matrix)[0] for matrix in space.matrices if matrix.kind == "matrix"]
    signals = [v / torch.cosh(states[-1]) ** 2]
    for w, state in zip(reversed(matrices * (STEPS - 1) if tied else matrices), states[-2::-1], strict=True):
        signals.insert(0, signals[0] @ w / torch.cosh(state) ** 2)
    values = measured(model, FiniteSpace(n, 1, dtype=torch.float64, matrix="dense"))
    for readout, vectors in (("gradient", signals), ("state", states)):
        np.testing.assert_allclose(values[readout][0], [float((each**2).mean()) for each in vectors], rtol=1e-12)


def test_error_signals_of_an_lstm_are_those_of_torchs_cell() -> None:
    """Gradients of f = avg(v s_T) with respect to the hidden states of torch's LSTMCell, times n."""
    n, model = 11, LSTM(steps=STEPS, weight_variance=3.0)
    space, _, v = drawn(model, n)
    entries = [space.entries(matrix)[0].requires_grad_() for matrix in space.matrices]
    i, f, o, g = zip(entries[::2], entries[1::2], strict=True)
    parameters = {f"weight_{side}h": torch.cat([gate[k] for gate in (i, f, g, o)]) for k, side in enumerate("ih")}
    cell = nn.LSTMCell(2, n, bias=False, dtype=torch.float64)
    hidden: tuple[Tensor, Tensor] | None = None
    states = []
    for x in torch.from_numpy(INPUTS).reshape(2, STEPS, 2).unbind(1):
        hidden = functional_call(cell, parameters, (x, hidden))
        states.append(hidden[0])
    signals = torch.autograd.grad((states[-1] @ v / n).sum(), states)
    values = measured(model, FiniteSpace(n, 1, dtype=torch.float64, matrix="dense"))
    for readout, vectors in (("gradient", [n * each for each in signals]), ("state", states)):
        expected = [float((each.detach() ** 2).mean()) for each in vectors]
        np.testing.assert_allclose(values[readout][0], expected, rtol=1e-12)


@EACH
def test_finite_networks_meet_the_limit(model: Architecture) -> None:
    """The bias of width 1024 is below the standard error of 32 trials."""
    finite, limit = measured(model, FiniteSpace(1024, 32, seed=1)), measured(model, KetSpace(1024, 32))
    exact = experiment(model).exact
    for readout, values in finite.items():
        assert_means_agree(values, limit[readout])
        if exact is not None:
            assert_mean_is(values, exact()[readout])
            assert_mean_is(limit[readout], exact()[readout])


def test_only_the_limit_of_an_rnn_is_known_exactly() -> None:
    assert [model.name for model in MODELS if experiment(model).exact is not None] == ["rnn", "rnn"]


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_gradients_through_tied_gates_have_a_limit_of_their_own(kind: type[GRU | LSTM]) -> None:
    models = [kind(steps=STEPS, weight_variance=3.0, tied=tied) for tied in (True, False)]
    tied, untied = (measured(model, KetSpace(512, 32))["gradient"][:, 0] for model in models)
    assert abs(tied.mean() - untied.mean()) > 2 * ERRORS * standard_error(tied - untied)


def test_networks_that_are_not_recurrent_are_refused_in_one_line() -> None:
    with pytest.raises(SpecError, match=r"^model\.name: 'mlp' has no meaning .*; allowed: lstm, gru, rnn$"):
        experiment(MLP())
