"""The neural tangent limit and its kin: kets do not move, the function does, by an operator; and how it is met."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from trajectories_at_width import (
    Course,
    assert_approaches,
    assert_learnt,
    assert_means_agree,
    course,
    network,
    slope,
)

from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.training.function_space import kernel_descent

Array = np.ndarray

NTP: dict[str, object] = {"preset": "ntp"}
OPTIMIZERS: dict[str, dict[str, object]] = {
    "sgd": {"learning_rate": 0.3},
    "momentum": {"learning_rate": 0.1, "momentum": 0.8},
    "sign_sgd": {"learning_rate": 0.05, "epsilon": 0.3},
    "adam": {"learning_rate": 0.05, "epsilon": 0.1, "smooth": True, "beta2": 0.9},
}
CHEAP = {64: 64, 128: 48, 256: 32, 512: 24, 1024: 16}
COSTLY = {64: 48, 128: 32, 256: 24, 512: 12}
"""Trials by width."""


def mlp(depth: int, optimizer: str, **changes: object) -> Course:
    model: dict[str, object] = {"name": "mlp", "depth": depth, "activation": "tanh", "weight_variance": 1.5}
    table = {"name": optimizer, **OPTIMIZERS[optimizer]}
    return course(model, table, **{"scaling": NTP, **changes})  # type: ignore[arg-type]


def kets(taken: Course, samples: int = 1 << 10, replicates: int = 8, **changes: object) -> Tensor:
    return taken.outputs(KetSpace(samples, replicates, **changes))  # type: ignore[arg-type]


def widths_of(optimizer: str) -> dict[int, int]:
    return CHEAP if optimizer in ("sgd", "momentum") else COSTLY


@pytest.mark.parametrize("batch", [None, 1])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trajectories_approach_those_of_the_operator(name: str, batch: int | None) -> None:
    """Two examples at every step, for which the operator of a nonlinear update is nonlinear, or one after the other."""
    taken, widths = mlp(2, name, batch=batch), widths_of(name)
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    assert_approaches(values, list(widths), kets(taken))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_trajectories_of_deeper_networks_approach_those_of_the_operator_up_to_4096(name: str) -> None:
    taken = mlp(3, name)
    widths = {64: 64, 256: 48, 1024: 16, 4096: 3}
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    assert_approaches(values, list(widths), kets(taken, 1 << 11))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_loss_falls_and_features_stay(name: str) -> None:
    """They move by Theta(n^-1/2): the slope, and in the limit nothing at all."""
    taken, widths = mlp(2, name), (64, 128, 256, 512)
    assert_learnt(taken.losses(KetSpace(1 << 10, 2)), to=0.5)
    changes = [taken.change(FiniteSpace(n, 24)) for n in widths]
    assert abs(slope(widths, [each.square() for each in changes]).value + 0.5) < 0.06
    assert (taken.change(KetSpace(1 << 8, 2)) == 0).all()


EXACT: dict[str, dict[str, object]] = {
    "mlp": {"name": "mlp", "depth": 3, "bias_variance": 0.3, "activation": "erf"},
    "mlp of several widths": {"name": "mlp", "depth": 3, "ratios": (0.5, 2.0), "bias_variance": 0.3},
    "resnet": {"name": "resnet", "depth": 3, "bias_variance": 0.2},
    "conv1d": {"name": "conv1d", "positions": 4, "bias_variance": 0.2, "activation": "erf"},
    "conv1d with a readout of every position": {"name": "conv1d", "positions": 4, "pooling": "flatten"},
    "rnn": {"name": "rnn", "steps": 2, "bias_variance": 0.2},
}


@pytest.mark.parametrize(("name", "of"), [*(("sgd", each) for each in EXACT), ("nesterov", "mlp"), ("nesterov", "rnn")])
def test_linear_optimizers_descend_by_the_exact_tangent_kernel(of: str, name: str) -> None:
    """Within 5 standard errors of 16 replicates, and each of these within 3 %: of two outputs, in batches."""
    model, rate = EXACT[of], {"sgd": 0.2, "nesterov": 0.05}[name]
    taken = course(model, {"name": name, "learning_rate": rate}, scaling=NTP, outputs=2, batch=1)
    propagation = network(model).propagation(taken.lesson.inputs.numpy())
    assert propagation is not None
    _, ntk = propagation.kernels(biases=True)
    exact = kernel_descent(torch.from_numpy(ntk), taken.lesson, taken.rule)
    values = kets(taken, 1 << 11, 16)
    assert_means_agree(values, exact.expand(2, *exact.shape), rounding=1e-3)
    assert (values - exact).square().mean().sqrt() < 0.03 * exact.square().mean().sqrt()


Update = Callable[[Sequence[Array]], Array]


def adam(history: Sequence[Array]) -> Array:
    """With the hyperparameters above, out of the whole history: means with weights that fall by beta a step."""
    shares = [0.9 ** np.arange(len(history))[::-1]] * 2
    mean, square = (
        np.tensordot(share / share.sum(), np.array(history) ** power, 1) for power, share in enumerate(shares, start=1)
    )
    return mean / np.sqrt(square + 0.1**2)


def signs(history: Sequence[Array]) -> Array:
    """Smoothed, as above."""
    return history[-1] / np.sqrt(history[-1] ** 2 + 0.3**2)


def kets_by_hand(xi: Array, samples: int, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    r"""Of a tanh MLP of two hidden layers: :math:`x^1`, :math:`dh^1`, :math:`x^2`, :math:`dh^2`, (input, sample)."""

    def signals(covariance: Array, errors: Array) -> tuple[Array, Array]:
        x = np.tanh(rng.multivariate_normal(np.zeros(len(xi)), covariance, errors.shape[-1]).T)
        return x, (1 - x * x) * errors

    first = 1.5 * xi @ xi.T / xi.shape[1]
    many, _ = signals(first, np.zeros(1 << 16))
    x2, dh2 = signals(1.5 * many @ many.T / many.shape[1], rng.standard_normal(samples))
    back = rng.multivariate_normal(np.zeros(len(xi)), 1.5 * dh2 @ dh2.T / samples, samples).T
    x1, dh1 = signals(first, back)
    return x1, dh1, x2, dh2


def operator_descent(taken: Course, update: Update, samples: int, seed: int, parts: Sequence[int] = (0, 1, 2)) -> Array:
    r"""K_Q of a tanh MLP of two hidden layers by its definition, with some of its layers: (step, input).

    :math:`f_{t+1}(i) = f_t(i) - \eta \sum_P E_{ab}[G^P_i(a, b) Q(\sum_j \chi_0(j) G^P_j(a, b), ...)]` with
    :math:`G_i = \alpha\,dh^1_i(a) \xi_{ib}`, :math:`\sqrt{1.5}\,dh^2_i(a) x^1_i(b)` and :math:`x^2_i(a)`, and with
    sums for averages over the features.
    """
    xi, y = taken.lesson.inputs.numpy(), taken.lesson.targets.numpy()[:, 0]
    x1, dh1, x2, dh2 = kets_by_hand(xi, samples, np.random.default_rng(seed))
    derivatives = [
        (1.5 / xi.shape[1]) ** 0.5 * dh1[:, :, None] * xi[:, None],
        1.5**0.5 * dh2[:, :, None] * x1[:, None],
        x2[:, :, None],
    ]
    pairs, outputs = (samples, samples**2, samples), [np.zeros(len(xi))]
    history: list[list[Array]] = [[], [], []]
    for t in range(taken.lesson.steps):
        chosen = taken.lesson.chosen(t).numpy()
        chi = (outputs[-1][: len(y)] - y)[chosen] / len(chosen)
        change = np.zeros(len(xi))
        for part in parts:
            history[part].append(np.tensordot(chi, derivatives[part][chosen], 1))
            change += np.tensordot(derivatives[part], update(history[part]), 2) / pairs[part]
        outputs.append(outputs[-1] - taken.rule.optimizer.learning_rate * change)
    return np.array(outputs)


def by_hand(taken: Course, update: Update, parts: Sequence[int] = (0, 1, 2)) -> Tensor:
    found = [operator_descent(taken, update, 512, seed, parts) for seed in range(16)]
    return torch.from_numpy(np.stack(found))[..., None]


@pytest.mark.parametrize(("name", "update"), [("sign_sgd", signs), ("adam", adam)])
def test_the_operator_is_that_of_its_definition(name: str, update: Update) -> None:
    """A sum over pairs of pseudo-random kets in plain numpy, whose bias of order 1 / samples is below its error."""
    taken = mlp(2, name, steps=5)
    assert_means_agree(kets(taken, 1 << 10, 16), by_hand(taken, update))


def test_signs_of_one_example_factorise() -> None:
    r"""The sign of a product is that of its factors, so that every step is by a fixed matrix times the sign of chi.

    :math:`K_{ij} = \alpha E[dh^1_i s(dh^1_j)] \sum_k \xi_{ik} s(\xi_{jk}) + \sqrt{1.5} E[dh^2_i s(dh^2_j)]
    E[x^1_i s(x^1_j)] + E[x^2_i s(x^2_j)]`, s the sign. No output gets where its chi changes sign.
    """
    scaled = course(
        {"name": "mlp", "depth": 2, "activation": "tanh", "weight_variance": 1.5},
        {"name": "sign_sgd", "learning_rate": 0.02, "epsilon": 1e-9},
        scaling=NTP,
        steps=6,
        batch=1,
    )
    xi = scaled.lesson.inputs.numpy()
    found = []
    for seed in range(16):
        x1, dh1, x2, dh2 = kets_by_hand(xi, 1 << 14, np.random.default_rng(seed))
        averages = [each @ np.sign(each).T / each.shape[1] for each in (x1, dh1, x2, dh2)]
        of_inputs = (1.5 / xi.shape[1]) ** 0.5 * xi @ np.sign(xi).T
        kernel = averages[1] * of_inputs + 1.5**0.5 * averages[3] * averages[0] + averages[2]
        outputs = [np.zeros(len(xi))]
        for t in range(scaled.lesson.steps):
            (j,) = scaled.lesson.chosen(t).tolist()
            chi = outputs[-1][j] - scaled.lesson.targets[j, 0].item()
            outputs.append(outputs[-1] - 0.02 * kernel[:, j] * np.sign(chi))
        found.append(np.stack(outputs)[..., None])
    assert_means_agree(kets(scaled, 1 << 11, 16), torch.from_numpy(np.stack(found)))


ONLY: dict[str, tuple[dict[str, object], Sequence[int]]] = {
    "input": ({"c": ["1/2", "3/2", 1]}, [0]),
    "hidden": ({"c": [1, 1, 1]}, [1]),
    "output": ({"c": [1, "3/2", "1/2"]}, [2]),
    "all but the hidden one": ({"c": ["1/2", "5/4", "1/2"]}, [0, 2]),
}
"""The neural tangent parametrization with smaller learning rates, n^-c, for some layers; those that are left."""


@pytest.mark.parametrize(("changed", "parts"), ONLY.values(), ids=ONLY)
def test_layers_with_smaller_rates_have_no_part(changed: dict[str, object], parts: Sequence[int]) -> None:
    exponents = {"a": [0, "1/2", "1/2"], "b": [0, 0, 0], "d": ["1/2", 1, "1/2"], **changed}
    scaling = {key: tuple(value) for key, value in exponents.items()}  # type: ignore[arg-type]
    taken = mlp(2, "adam", scaling=scaling, steps=4)
    assert taken.rule.plan(1).limit() == "operator"
    assert_means_agree(kets(taken, 1 << 10, 16), by_hand(taken, adam, parts))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_between_the_two_parametrizations(name: str) -> None:
    r"""Features of uniform(1/4) move by :math:`n^{-1/4}`; the limit is that of ntp without its initial function.

    Corrections to the function are of the order of the square of that: odd powers vanish, since all changes of features
    are odd in the output weights. So they do not show beside fluctuations, of order :math:`n^{-1/2}`.
    """
    taken, widths = mlp(2, name, scaling={"preset": "uniform", "s": "1/4"}), widths_of(name)
    assert torch.equal(kets(taken, 1 << 8), kets(mlp(2, name), 1 << 8))
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    assert_approaches(values, list(widths), kets(taken))
    changes = [taken.change(FiniteSpace(n, 16)).square() for n in (64, 128, 256)]
    assert abs(slope((64, 128, 256), changes).value + 0.25) < 0.06
    uncentred = mlp(2, name, scaling={"preset": "uniform", "s": "1/4"}, centred=False, steps=0)
    start = [uncentred.outputs(FiniteSpace(n, 256)).flatten(1).square().sum(1) for n in (32, 64, 128, 256)]
    assert slope((32, 64, 128, 256), start).allows(-0.25)
    assert not uncentred.outputs(KetSpace(64, 2)).any()


def test_orthogonal_matrices_are_trained_too() -> None:
    """Outside the theorems: their limit is as near to them as that of Gaussian ones to these."""
    model: dict[str, object] = {"name": "mlp", "depth": 2, "activation": "tanh", "law": "orthogonal"}
    taken = course(model, {"name": "sgd", **OPTIMIZERS["sgd"]}, scaling=NTP)
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in CHEAP.items()]
    assert_approaches(values, list(CHEAP), kets(taken))


@pytest.mark.parametrize("model", [EXACT["mlp"], EXACT["conv1d with a readout of every position"]])
def test_the_initial_function_is_that_of_the_gaussian_process(model: dict[str, object]) -> None:
    """Two outputs, independent of each other, normal, with the covariance of the exact kernel, over 512 replicates."""
    taken = course(model, {"name": "sgd"}, scaling=NTP, steps=0, centred=False, outputs=2)
    start = kets(taken, 1 << 8, 1 << 9, estimator="mc")[:, 0]
    propagation = network(model).propagation(taken.lesson.inputs.numpy())
    assert propagation is not None
    nngp, _ = map(torch.from_numpy, propagation.kernels(biases=True))
    assert_means_agree(start, torch.zeros(2, *start.shape[1:]))
    products = start[:, :, None, :, None] * start[:, None, :, None, :]
    expected = nngp[:, :, None, None] * torch.eye(2)
    assert_means_agree(products, expected.expand(2, *expected.shape), rounding=0.01)
    fourth = (start**4).mean(0) / (3 * nngp.diagonal()[:, None] ** 2)
    assert (fourth - 1).abs().max() < 5 * (96 / 9 / len(start)) ** 0.5  # of a normal number: E z^8 - (E z^4)^2 = 96


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_the_law_of_outputs_that_begin_at_random(name: str, decay: float) -> None:
    """Means, variances and covariances of inputs and of steps: 256 networks of width 128, 256 replicates.

    With weight decay kets move, and so does the part of the initial function that is left.
    """
    rate = {"sgd": 0.1, "adam": 0.05}[name]
    model: dict[str, object] = {"name": "mlp", "depth": 2, "activation": "tanh", "weight_variance": 1.5}
    optimizer = {"name": name, **OPTIMIZERS[name], "learning_rate": rate, "weight_decay": decay}
    taken = course(model, optimizer, scaling=NTP, steps=5, centred=False)
    values, limit = taken.outputs(FiniteSpace(128, 256)).flatten(1), kets(taken, 1 << 8, 256, estimator="mc").flatten(1)
    assert_means_agree(values, limit)
    assert_means_agree(values[:, :, None] * values[:, None, :], limit[:, :, None] * limit[:, None, :])


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_decay_without_an_initial_function(name: str) -> None:
    """With output weights that begin at n^-1/4 in place of 1 f_0 vanishes, and the limit is one function."""
    model: dict[str, object] = {"name": "mlp", "depth": 2, "activation": "tanh", "weight_variance": 1.5}
    optimizer = {"name": name, **OPTIMIZERS[name], "weight_decay": 1.5}
    taken = course(model, optimizer, scaling={"preset": "uniform", "s": "1/4"})
    widths = {64: 48, 256: 24, 512: 16}
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    limit = kets(taken)
    assert_means_agree(values[-1], limit)
    assert not torch.equal(limit, kets(course(model, {**optimizer, "weight_decay": 0.0}, scaling=NTP)))
