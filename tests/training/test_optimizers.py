"""Update functions: those of torch step for step, entrywise, with the laws of scale, at width n and in the limit."""

import inspect
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optimizer_twins import gradient, gradients, step_of_torch, torch_twin, trained, trained_by_torch, weights
from pydantic import ValidationError
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.spec.messages import explain
from widthwise.training import (
    OPTIMIZERS,
    Adafactor,
    Adagrad,
    Adam,
    Momentum,
    NAdam,
    OptimizerOptions,
    RMSProp,
    SignSGD,
    last_update,
    optimizer,
    updates,
)
from widthwise.training.factored import of_entries

NAMES = list(OPTIMIZERS)
SMOOTHED = [name for name, section in OPTIMIZERS.items() if "smooth" in section.model_fields]
SCALE_FREE = [*SMOOTHED, "sign_sgd"]


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    """torch.optim keeps the numbers of its steps in the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def assert_equal(value: Tensor, expected: Tensor, tolerance: float = 1e-12) -> None:
    torch.testing.assert_close(value, expected, rtol=tolerance, atol=tolerance)


def message_of(section: type[OptimizerOptions], **table: object) -> str:
    """The line with which a table is refused."""
    with pytest.raises(ValidationError) as caught:
        section.model_validate(table)
    text = explain(caught.value, section)
    assert "\n" not in text
    return text


def assert_all_equal(values: list[Tensor], expected: list[Tensor]) -> None:
    for value, each in zip(values, expected, strict=True):
        assert_equal(value, each)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sign_sgd"])
def test_the_defaults_are_those_of_torch_and_train_alike(name: str) -> None:
    options = OPTIMIZERS[name]()  # type: ignore[call-arg]
    for ours, theirs in zip(trained(options), trained_by_torch(torch_twin(options)), strict=True):
        assert_all_equal(ours, theirs)
    twin = torch_twin(options)([torch.zeros(2)])
    default = {key: parameter.default for key, parameter in inspect.signature(type(twin)).parameters.items()}
    asked = {"momentum", "nesterov", "decoupled_weight_decay", "eps" if name == "adafactor" else ""}
    for key in default.keys() & twin.defaults.keys() - asked:
        assert twin.defaults[key] == default[key], key
    if name == "adafactor":
        assert twin.defaults["eps"] == (torch.finfo(torch.float32).eps, default["eps"][1])


BETAS = {"beta1": st.floats(0, 0.99), "beta2": st.floats(0, 0.9999), "epsilon": st.floats(1e-10, 1e-2)}
RATES, DECAYS = st.floats(1e-4, 3e-2), st.floats(0, 0.5)
HYPERPARAMETERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "sgd": {},
    "momentum": {"momentum": st.floats(0.1, 0.99), "dampening": st.floats(0, 1)},
    "nesterov": {"momentum": st.floats(0.1, 0.99)},
    "rmsprop": {
        "alpha": st.floats(0.5, 0.999),
        "momentum": st.sampled_from([0.0, 0.3, 0.9]),
        "centered": st.booleans(),
        "epsilon": st.floats(1e-6, 1e-2),
    },
    "adagrad": {
        "learning_rate_decay": st.floats(0, 1),
        "initial_accumulator": st.floats(0, 1),
        "epsilon": st.floats(1e-10, 1e-2),
    },
    "adadelta": {"rho": st.floats(0, 0.99), "epsilon": st.floats(1e-8, 1e-2)},
    "adam": {**BETAS, "weight_decay": DECAYS},
    "adamw": {**BETAS, "weight_decay": DECAYS},
    "nadam": {**BETAS, "weight_decay": DECAYS, "momentum_decay": st.floats(0, 1)},
    "adamax": BETAS,
    "adafactor": {
        "learning_rate": st.floats(1e-3, 1.0),
        "weight_decay": DECAYS,
        "beta2_decay": st.floats(-1, 0),
        "epsilon": st.floats(1e-10, 1.0),
        "relative": st.floats(0, 1),
        "clip": st.floats(1, 2),
    },
}


@pytest.mark.parametrize("name", HYPERPARAMETERS)
@given(data=st.data())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_hyperparameters_train_as_those_of_torch(name: str, data: st.DataObject) -> None:
    """Both get the gradients of our weights: a network would amplify the rounding of steps like signs."""
    strategies: dict[str, Any] = {"learning_rate": RATES, **HYPERPARAMETERS[name]}
    options = OPTIMIZERS[name].model_validate(data.draw(st.fixed_dictionaries(strategies)))
    theirs = weights()
    twin = torch_twin(options)(theirs)
    ours = theirs
    for t, following in enumerate(trained(options)):
        step_of_torch(twin, theirs, gradient(ours, t))
        ours = following
        assert_all_equal(ours, theirs)


def test_every_optimizer_of_torch_that_is_listed_is_compared() -> None:
    assert set(HYPERPARAMETERS) == set(NAMES) - {"sign_sgd"}


def weighted(history: list[Tensor], beta: float) -> Tensor:
    """The mean with weights that fall by ``beta`` for each step back."""
    weights = torch.tensor([beta ** (len(history) - 1 - s) for s in range(len(history))])
    return torch.tensordot(weights / weights.sum(), torch.stack(history), 1)


def test_the_smooth_forms_by_their_formulas() -> None:
    """Those of TP4b, which torch does not have, out of whole histories."""
    history = gradients(7, 4, 3)
    squares = [g * g for g in history]
    g, epsilon = history[-1], 0.3
    mean, square = weighted(history, 0.8), weighted(squares, 0.9)
    adam = Adam(beta1=0.8, beta2=0.9, epsilon=epsilon, smooth=True)
    assert_equal(last_update(optimizer(adam), history), mean / (square + epsilon**2).sqrt())
    rmsprop = RMSProp(alpha=0.9, epsilon=epsilon, smooth=True)
    biased = (1 - 0.9**7) * square
    assert_equal(last_update(optimizer(rmsprop), history), g / (biased + epsilon**2).sqrt())
    centered = RMSProp(alpha=0.9, epsilon=epsilon, smooth=True, centered=True)
    variance = biased - ((1 - 0.9**7) * weighted(history, 0.9)) ** 2
    assert_equal(last_update(optimizer(centered), history), g / (variance + epsilon**2).sqrt())
    adagrad = Adagrad(epsilon=epsilon, smooth=True, initial_accumulator=0.5)
    assert_equal(last_update(optimizer(adagrad), history), g / (0.5 + sum(squares) + epsilon**2).sqrt())
    sign = optimizer(SignSGD(epsilon=epsilon))
    assert_equal(last_update(sign, history), g / (g * g + epsilon**2).sqrt())
    assert_equal(last_update(optimizer(SignSGD(epsilon=0)), history), g.sign())
    nadam = optimizer(NAdam(beta1=0.8, beta2=0.9, epsilon=epsilon, smooth=True, momentum_decay=0))
    ahead = 0.6 * g / (1 - 0.4**7) + 0.4 * (1 - 0.8**7) * mean / (1 - 0.4**8)  # mu = 0.4 at every step
    assert_equal(last_update(nadam, history), ahead / (square + epsilon**2).sqrt())
    adafactor = optimizer(Adafactor(beta2_decay=-1, epsilon=epsilon, smooth=True), of_entries)
    rows, columns, whole = of_entries(torch.stack(squares).mean(0).sqrt(), 0)  # shares 1/(t + 1): plain means
    assert_equal(last_update(adafactor, history), g / (rows * columns / whole + epsilon**2).sqrt())


@pytest.mark.parametrize("name", SMOOTHED)
@pytest.mark.parametrize("factored", [False, True])
def test_both_places_of_epsilon_agree_for_a_small_one(name: str, factored: bool) -> None:
    history, distances = gradients(6, 5, 4), []
    for epsilon in (1e-1, 1e-2, 1e-5):
        both = [
            last_update(
                optimizer(
                    OPTIMIZERS[name].model_validate({"epsilon": epsilon, "smooth": smooth}),
                    of_entries if factored else None,
                ),
                history,
            )
            for smooth in (False, True)
        ]
        distances.append(float((both[0] - both[1]).abs().max()))
    assert distances[0] > 1e-4
    assert distances[1] < distances[0]
    assert distances[2] < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_a_scan_equals_steps_and_changes_no_gradient(name: str) -> None:
    history = gradients(6, 2, 4, 3)
    own = optimizer(OPTIMIZERS[name](), of_entries)  # type: ignore[call-arg]
    state = own.init(history[0])
    scanned = list(updates(own, iter(history)))
    for t, latest in enumerate(history):
        update, state = own.step(state, latest, t)
        assert update.shape == latest.shape
        assert_equal(update, scanned[t], 0)
        assert_equal(last_update(own, (g for g in history[: t + 1])), update, 0)
    for each, kept in zip(history, gradients(6, 2, 4, 3), strict=True):
        assert_equal(each, kept, 0)


@pytest.mark.parametrize("name", NAMES)
@given(order=st.permutations(range(12)))
@settings(max_examples=5, deadline=None, derandomize=True)
def test_an_update_is_entrywise(name: str, order: list[int]) -> None:
    """Permuted, reshaped, repeated, one entry alone: always the same numbers."""
    own, history = optimizer(OPTIMIZERS[name]()), gradients(5, 12)  # type: ignore[call-arg]
    update = last_update(own, history)
    assert_equal(last_update(own, [g[order] for g in history]), update[order])
    assert_equal(last_update(own, [g.reshape(3, 4).T for g in history]), update.reshape(3, 4).T)
    assert_equal(last_update(own, [g.expand(2, 12) for g in history]), update.expand(2, 12))
    assert_equal(last_update(own, [g[order[0]] for g in history]), update[order[0]])


@pytest.mark.parametrize("name", NAMES)
def test_an_outer_product_of_factors_is_the_update_of_its_entries(name: str) -> None:
    """The whole history in one shape (a, b), against entry by entry: what the limit does in tiles."""
    own = optimizer(OPTIMIZERS[name]())  # type: ignore[call-arg]
    dh, x = gradients(4, 2, 5, seed=1), gradients(4, 2, 6, seed=2)
    whole = last_update(own, (torch.einsum("ja,jb->ab", *pair) for pair in zip(dh, x, strict=True)))
    tile = last_update(own, (torch.einsum("ja,jb->ab", d[:, 1:3], y[:, 4:]) for d, y in zip(dh, x, strict=True)))
    assert_equal(tile, whole[1:3, 4:])


@pytest.mark.parametrize("name", NAMES)
def test_in_a_program_an_update_is_an_outer_nonlinearity(name: str) -> None:
    """``(1/n) sum_b Q(g_0[a, b], g_1[a, b]) y_b`` by `Space.outer` and by the update matrix."""
    own, space = optimizer(OPTIMIZERS[name]()), FiniteSpace(20, 2, dtype=torch.float64)  # type: ignore[call-arg]
    dh, x, y = space.vectors(2), space.vectors(2), space.vector()

    def moving(d: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return last_update(own, (d * x).unbind(1)) * y

    # y rides along with x as one more step, whose error signal is of no use.
    with_y = space.outer(
        lambda d, xy: moving(d[:, :2], xy[:, :2], xy[:, 2]), torch.cat([dh, y], 1), torch.cat([x, y], 1)
    )
    matrix = last_update(own, torch.einsum("rsa,rsb->srab", dh, x))
    assert_equal(with_y, torch.einsum("rab,rb->ra", matrix, y[:, 0]) / 20)


def test_in_the_limit_the_sign_of_an_outer_product_averages_to_its_ket() -> None:
    """E_b[sign(d_a x_b) x_b] = sign(d_a) sqrt(2/pi), of 32 replicates within 5 standard errors (once in 5e4)."""
    own, space = optimizer(SignSGD()), KetSpace(1024, 32, dtype=torch.float64)
    d, x = space.vector(), space.vector()
    averages = space.outer(lambda d, x: last_update(own, [d * x]) * x, d, x)
    values = (averages * d.sign()).mean((1, 2))
    assert abs(float(values.mean()) - math.sqrt(2 / math.pi)) < 5 * float(values.std()) / math.sqrt(32)


def test_adafactor_on_a_tile_with_means_of_the_whole() -> None:
    """Averages from the factors, as in the limit: E_b[g^2] = sum_ij dh_i dh_j avg(x_i x_j)."""
    dh, x = gradients(5, 3, 8, seed=1), gradients(5, 3, 9, seed=2)
    options = Adafactor(epsilon=1e-3)
    whole = last_update(
        optimizer(options, of_entries), [torch.einsum("ja,jb->ab", d, y) for d, y in zip(dh, x, strict=True)]
    )
    rows, columns = slice(2, 5), slice(4, 9)

    def means(gradient: Tensor, t: int) -> tuple[Tensor, Tensor, Tensor]:
        of_left, of_right = dh[t] @ dh[t].mT / 8, x[t] @ x[t].mT / 9
        over_columns = torch.einsum("ia,ja,ij->a", dh[t], dh[t], of_right)[rows, None]
        over_rows = torch.einsum("ib,jb,ij->b", x[t], x[t], of_left)[columns]
        return over_columns, over_rows, (of_left * of_right).sum()

    tiles = [torch.einsum("ja,jb->ab", d[:, rows], y[:, columns]) for d, y in zip(dh, x, strict=True)]
    assert_equal(last_update(optimizer(options, means), tiles), whole[rows, columns])


@pytest.mark.parametrize("name", NAMES)
def test_linear_optimizers_are_sums_of_gradients_and_no_others_are(name: str) -> None:
    own, history = optimizer(OPTIMIZERS[name]()), gradients(6, 5)  # type: ignore[call-arg]
    coefficients = last_update(own, torch.eye(6))
    is_sum = torch.allclose(last_update(own, history), torch.tensordot(coefficients, torch.stack(history), 1))
    assert is_sum is OPTIMIZERS[name].linear


def test_dampening_spares_the_first_gradient() -> None:
    own = optimizer(Momentum(momentum=0.5, dampening=0.25))
    assert last_update(own, torch.eye(3)).tolist() == [0.25, 0.375, 0.75]


def test_a_variance_of_0_that_rounding_takes_below_0_is_0() -> None:
    """Constant gradients, whose mean square less their squared mean vanishes."""
    gradient = torch.linspace(0.01, 1, 100)
    update = last_update(optimizer(RMSProp(alpha=0.5, centered=True)), [gradient] * 100)
    assert update.isfinite().all()


@pytest.mark.parametrize("name", SCALE_FREE)
@pytest.mark.parametrize("scale", [1e-4, 37.0])
def test_without_epsilon_the_scale_of_gradients_is_forgotten(name: str, scale: float) -> None:
    options, history = OPTIMIZERS[name].model_validate({"epsilon": 0}), gradients(6, 5, 4)
    for means in (None, of_entries):
        own = optimizer(options, means)
        assert_equal(last_update(own, [scale * g for g in history]), last_update(own, history), 1e-11)
        assert_equal(last_update(own, [-g for g in history]), -last_update(own, history))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_of_0_do_not_move_a_weight(name: str, dtype: torch.dtype) -> None:
    """Without epsilon too, or with one whose square is 0 in float32; the dtype is kept."""
    for epsilon in (0, 1e-30, 1e-3):
        table = {"epsilon": epsilon} if (epsilon and name == "adadelta") or name in SCALE_FREE else {}
        for smooth in [{}, {"smooth": True}] if name in SMOOTHED else [{}]:
            options = OPTIMIZERS[name].model_validate({**table, **smooth})
            history = [(g * torch.tensor([1.0, 0.0, 1.0])).to(dtype) for g in gradients(3, 4, 3)]
            for means in (None, of_entries):
                update = last_update(optimizer(options, means), history)
                assert update.dtype == dtype
                assert update.isfinite().all()
                assert (update[:, 1] == 0).all()
                assert (update[:, 0] != 0).all()


@pytest.mark.parametrize("name", [*SMOOTHED, "sign_sgd", "sgd"])
def test_smooth_forms_have_derivatives_at_0(name: str) -> None:
    options = OPTIMIZERS[name].model_validate({"smooth": True} if name in SMOOTHED else {})
    gradient = torch.zeros(3, requires_grad=True)
    update = last_update(optimizer(options), [gradient, 2 * gradient])
    (slope,) = torch.autograd.grad(update.sum(), gradient)
    assert slope.isfinite().all()
    assert (slope > 0).all()


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(ProgramError, match=r"^last_update: the history is empty; give at least one gradient$"):
        last_update(optimizer(Adam()), [])


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("sgd", {"momentum": 0.9}, "momentum: is not a known key; allowed: name, learning_rate"),
        ("sgd", {"learning_rate": 0}, "learning_rate: 0 is not above 0"),
        ("momentum", {"momentum": 1}, "momentum: 1 is not below 1"),
        ("momentum", {"dampening": 1.5}, "dampening: 1.5 is above 1"),
        ("nesterov", {"dampening": 0.5}, "dampening: is not a known key"),
        ("rmsprop", {"alpha": -0.1}, "alpha: -0.1 is below 0"),
        ("rmsprop", {"centered": 1}, "centered: 1 is not a boolean"),
        ("adadelta", {"epsilon": 0}, "epsilon: 0 is below 1e-30"),
        ("adam", {"beta2": math.nan}, "beta2: nan is not"),
        ("adam", {"betas": [0.9, 0.99]}, "betas: is not a known key; .*did you mean 'beta"),
        ("adam", {"epsilon": "small"}, "epsilon: 'small' is not a number"),
        ("adamw", {"weight_decay": -1}, "weight_decay: -1 is below 0"),
        ("nadam", {"momentum_decay": math.inf}, "momentum_decay: inf is not a finite number"),
        ("adafactor", {"beta2_decay": 0.8}, "beta2_decay: 0.8 is above 0"),
        ("adafactor", {"normalise": True}, "^clip: 1 has no meaning for normalised updates, whose size is 1; leave"),
        ("sign_sgd", {"clip": 0}, "clip: 0 is not above 0"),
    ],
)
def test_a_bad_hyperparameter_is_one_line(name: str, table: dict[str, object], message: str) -> None:
    line = message_of(OPTIMIZERS[name], **table)
    assert re.search(message, line), line


@pytest.mark.parametrize("name", NAMES)
def test_a_section_says_what_it_is(name: str) -> None:
    section = OPTIMIZERS[name]
    assert section().name == name  # type: ignore[call-arg]
    assert section.summary
    assert section.source


def test_names_do_not_need_torch() -> None:
    program = "import sys, widthwise.training.options, widthwise.training; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
