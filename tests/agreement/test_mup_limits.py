"""Maximal updates: trajectories of training approach those of kets which move, whatever the depth and the optimizer."""

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
    slope,
)

from widthwise.spaces import FiniteSpace, KetSpace

Array = np.ndarray

OPTIMIZERS: dict[str, dict[str, object]] = {
    "sgd": {"learning_rate": 0.3},
    "momentum": {"learning_rate": 0.1, "momentum": 0.8},
    "sign_sgd": {"learning_rate": 0.1, "epsilon": 0.3},
    "adam": {"learning_rate": 0.1, "epsilon": 0.1, "smooth": True, "beta2": 0.9},
}
CHEAP = {64: 128, 128: 96, 256: 64, 512: 48, 1024: 32}
MIDDLING = {64: 64, 128: 48, 256: 32, 512: 24, 1024: 16}
COSTLY = {64: 48, 128: 32, 256: 24, 512: 12, 1024: 4}
"""Trials by width: of nonlinear optimizers hidden matrices are moved entry by entry."""


def mlp(depth: int, optimizer: str, **changes: object) -> Course:
    model: dict[str, object] = {"name": "mlp", "depth": depth, "activation": "tanh", "weight_variance": 1.5}
    return course(model, {"name": optimizer, **OPTIMIZERS[optimizer]}, **changes)  # type: ignore[arg-type]


def kets(taken: Course, samples: int = 1 << 10, replicates: int = 8, **changes: object) -> Tensor:
    return taken.outputs(KetSpace(samples, replicates, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_trajectories_approach_those_of_kets(depth: int, name: str) -> None:
    """Distances fall as n^-1/2, slope inside its interval at 99.9 %; the outputs of 8 steps are right at width 1024."""
    taken, cheap = mlp(depth, name), depth == 1 or name in ("sgd", "momentum")
    widths = CHEAP if depth == 1 else MIDDLING if cheap else COSTLY
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    assert_approaches(values, list(widths), kets(taken, 1 << 11 if cheap else 1 << 10))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_trajectories_approach_those_of_kets_up_to_8192(depth: int, name: str) -> None:
    taken = mlp(depth, name)
    widths = {64: 64, 256: 32, 1024: 12, 4096: 4, 8192: 2}
    if depth == 1 or name in ("sgd", "momentum"):
        widths = {64: 64, 256: 64, 1024: 32, 4096: 32, 8192: 32}
    values = [taken.outputs(FiniteSpace(n, trials)) for n, trials in widths.items()]
    assert_approaches(values, list(widths), kets(taken, 1 << 11 if depth > 1 else 1 << 15))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_loss_falls_and_features_move_by_as_much_at_every_width(name: str) -> None:
    """The slope of the change of the readout vectors is 0, and the change is that of kets."""
    taken = mlp(2, name)
    assert_learnt(taken.losses(KetSpace(1 << 10, 2)))
    changes = [taken.change(FiniteSpace(n, 32)) for n in (64, 128, 256)]
    limit = taken.change(KetSpace(1 << 10, 8))
    assert limit.mean() > 0.1
    assert abs(slope((64, 128, 256), [each.square() for each in changes]).value) < 0.05
    assert_means_agree(changes[-1], limit)


def latest(history: Sequence[Array]) -> Array:
    """SGD."""
    return history[-1]


def adam(history: Sequence[Array]) -> Array:
    """With the hyperparameters above, out of the whole history: means with weights that fall by beta a step."""
    shares = [beta ** np.arange(len(history))[::-1] for beta in (0.9, 0.9)]
    mean, square = (
        np.tensordot(share / share.sum(), np.array(history) ** power, 1) for power, share in enumerate(shares, start=1)
    )
    return mean / np.sqrt(square + 0.1**2)


def particles(taken: Course, update: Callable[[Sequence[Array]], Array], count: int, seed: int) -> Array:
    r"""Outputs at every step of a shallow network of so many independent units, TP4b 2.5.2: (step, input).

    :math:`f = E[v \tanh(\alpha\,u \cdot \xi)]` with :math:`\alpha^2 = 1.5 / features`, and for slopes
    :math:`\chi` of the loss :math:`v \leftarrow v - \eta Q(\sum_j \chi_j \tanh h_j)`,
    :math:`u_k \leftarrow u_k - \eta Q(\alpha \sum_j \chi_j v \tanh'(h_j) \xi_{jk})`.
    """
    rng = np.random.default_rng(seed)
    xi, y = taken.lesson.inputs.numpy(), taken.lesson.targets.numpy()[:, 0]
    alpha, rate, trained = np.sqrt(1.5 / xi.shape[1]), taken.rule.optimizer.learning_rate, len(y)
    u, v = rng.standard_normal((count, xi.shape[1])), rng.standard_normal(count)
    of_u: list[Array] = []
    of_v: list[Array] = []
    outputs: list[Array] = []
    for _ in range(taken.lesson.steps + 1):
        x = np.tanh(alpha * u @ xi.T)
        outputs.append(v @ x / count)
        chi = ((outputs[-1] - outputs[0])[:trained] - y) / trained
        of_v.append(x[:, :trained] @ chi)
        of_u.append(alpha * (v[:, None] * (1 - x[:, :trained] ** 2) * chi) @ xi[:trained])
        v, u = v - rate * update(of_v), u - rate * update(of_u)
    return np.array(outputs) - outputs[0]


@pytest.mark.parametrize(("name", "update"), [("sgd", latest), ("adam", adam)])
def test_the_shallow_limit_is_that_of_particles(name: str, update: Callable[[Sequence[Array]], Array]) -> None:
    taken = mlp(1, name)
    found = np.stack([particles(taken, update, 1 << 14, seed) for seed in range(16)])
    assert_means_agree(kets(taken, 1 << 12, 16)[..., 0], torch.from_numpy(found))


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_estimators_of_the_limit_agree(name: str) -> None:
    """Quasi-random and pseudo-random kets."""
    taken = mlp(2, name)
    assert_means_agree(kets(taken, 1 << 9, 16), kets(taken, 1 << 9, 16, estimator="mc", seed=1))


def test_incomplete_averages_agree_with_complete_ones() -> None:
    complete, some = (mlp(2, "adam", tuples=tuples) for tuples in (1 << 10, 1 << 7))
    values, others = kets(complete), kets(some, replicates=16, seed=3)
    assert not torch.equal(values[0], others[0])
    assert_means_agree(values, others)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("preset", ["mup", "ntp"])
def test_averages_over_features_and_outputs_are_always_complete(preset: str, depth: int) -> None:
    """Four features, three outputs, an average over two samples: of a shallow network no average is over samples."""
    complete, some = (
        mlp(depth, "adam", scaling={"preset": preset}, outputs=3, tuples=tuples) for tuples in (1 << 10, 2)
    )
    values, others = kets(complete, 1 << 8, 16), kets(some, 1 << 8, 16)
    assert torch.equal(values, others) if depth == 1 else not torch.equal(values, others)
    assert (values - others).norm() < 0.5 * values.norm()


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_several_outputs_in_batches(name: str) -> None:
    """Three outputs, one example a step."""
    taken = mlp(2, name, outputs=3, batch=1, centred=False)
    values = [taken.outputs(FiniteSpace(n, 24)) for n in (64, 128, 256)]
    assert_approaches(values, (64, 128, 256), kets(taken))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_layers_of_several_widths(name: str) -> None:
    """Dimension classes n / 2, 2 n and n, with biases."""
    model: dict[str, object] = {"name": "mlp", "depth": 3, "ratios": (0.5, 2.0), "bias_variance": 0.3}
    taken = course(model, {"name": name, **OPTIMIZERS[name]}, steps=5)
    values = [taken.outputs(FiniteSpace(n, 24)) for n in (64, 128, 256)]
    assert_approaches(values, (64, 128, 256), kets(taken))
