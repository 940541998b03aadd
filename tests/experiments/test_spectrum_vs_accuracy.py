"""Spectra and accuracies of random architectures: spectra are those of wide matrices, training is gradient descent."""

import numpy as np
import pytest
import torch
from acceptance import standard_error
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.experiments import build
from widthwise.experiments.classifier import accuracy, descend, outputs
from widthwise.experiments.random_networks import OCTAVES, RandomNetwork, generators, random_network, random_weights
from widthwise.experiments.spectrum_vs_accuracy import LEVELS, log_quantiles, trained_on
from widthwise.plan import point_inputs, spans, trials_at_once
from widthwise.spaces import FiniteSpace, KetSpace
from widthwise.spec import Spec, points

SMALL = {"epochs": 2, "batch": 8, "learning_rate": 0.1, "depth": 2}
WIDTHS = (64, 96, 128, 48, 80)


def spec(**options: object) -> Spec:
    table = {"experiment": "spectrum_vs_accuracy", "data": {"source": "digits", "count": 60}}
    return Spec.model_validate({**table, "options": {**SMALL, **options}, "sweep": {"width": [8], "trials": 4}})


def measured(space: FiniteSpace, **options: object) -> dict[str, np.ndarray]:
    (inputs,) = point_inputs(points(spec(**options)))
    found = build("spectrum_vs_accuracy", spec(**options).tables, inputs).measure(space)
    return {name: value.numpy() for name, value in found.items()}


def jacobian(random: np.random.Generator, network: RandomNetwork, times: int) -> np.ndarray:
    """Of a network that is ``times`` as wide, with other weights in every layer and at an input of its own."""
    x = random.standard_normal(times * network.widths[0])
    j = np.eye(len(x))
    for rows in network.widths[1:]:
        w = random.standard_normal((times * rows, len(x))) * (network.weight_variance / len(x)) ** 0.5
        x, j = np.maximum(w @ x, 0), (w @ x > 0)[:, None] * (w @ j)
    return j


def test_quantiles_are_those_of_wide_networks() -> None:
    """At 4 times the width in the mean of 12, within 5 standard errors and 0.03 decades, the bias of that width.

    Levels that are those of the whole law, since the share that is 0 scatters; one false alarm in 1e3 seeds.
    """
    network = RandomNetwork(widths=WIDTHS, gain=0.7)
    quantiles, atom = log_quantiles(network)
    assert atom == pytest.approx(1 - 24 / 64)
    random = np.random.default_rng(0)
    found = np.stack([finite_quantiles(jacobian(random, network, 4), atom) for _ in range(12)])
    assert (np.abs(found.mean(0) - quantiles)[3:] < 5 * standard_error(found)[3:] + 0.03).all()
    assert standard_error(found)[3:].max() < 0.04


def finite_quantiles(j: np.ndarray, atom: float) -> np.ndarray:
    values = np.square(np.linalg.svd(j, compute_uv=False))
    everything = np.concatenate([values, np.zeros(j.shape[1] - len(values))])
    return np.log10(np.maximum(np.quantile(everything, atom + (1 - atom) * np.array(LEVELS)), 1e-30))


def test_the_gain_moves_all_quantiles_alike() -> None:
    one, other = (log_quantiles(RandomNetwork(widths=WIDTHS, gain=gain)) for gain in (1.0, 2.0))
    np.testing.assert_allclose(other[0] - one[0], 4 * np.log10(2), atol=1e-6)
    assert one[1] == other[1]
    assert (np.diff(one[0]) > 0).all()


def test_a_trial_is_a_function_of_the_seed_and_of_its_number() -> None:
    """Alone as beside others, and in float64 the same architecture."""
    together = measured(FiniteSpace(8, 3, seed=5))
    for trial in range(3):
        alone = measured(FiniteSpace(8, 1, seed=5, first=trial))
        for name, value in alone.items():
            np.testing.assert_array_equal(value[0], together[name][trial])
    for other in (FiniteSpace(8, 3, seed=6), FiniteSpace(9, 3, seed=5)):
        assert not np.isclose(measured(other)["gain"], together["gain"]).any()
    double = measured(FiniteSpace(8, 3, seed=5, dtype=torch.float64))
    np.testing.assert_array_equal(double["ratio"], together["ratio"])
    np.testing.assert_array_equal(double["quantile"], together["quantile"])


def test_architectures_are_even_on_the_logarithmic_scale() -> None:
    """Mean and variance of 500 gains and widths within 5 standard errors, one false alarm in 1e6 seeds."""
    drawn = [random_network(random, 4096, 64, 2) for random in generators(FiniteSpace(8, 500))]
    assert {network.widths[0] for network in drawn} == {64}
    logs = np.log2([[each.gain, *(width / 4096 for width in each.widths[1:])] for each in drawn]) / OCTAVES
    assert np.abs(logs).max() <= 1 + 1e-3
    assert (np.abs(logs.mean(0)) < 5 * standard_error(logs)).all()
    assert (np.abs((logs**2).mean(0) - 1 / 3) < 5 * standard_error(logs**2)).all()
    assert np.abs(np.corrcoef(logs.T) - np.eye(3)).max() < 5 / 500**0.5


def test_weights_have_the_variance_of_their_layer() -> None:
    """Standard errors of variances of 2 / sqrt(entries), 5 of them."""
    network = RandomNetwork(widths=(64, 200, 50), gain=1.5)
    *hidden, last = random_weights(np.random.default_rng(0), network, 10, torch.empty(0, dtype=torch.float64))
    assert [tuple(weight.shape) for weight in (*hidden, last)] == [(200, 64), (50, 200), (10, 50)]
    for weight, variance in [*((weight, 3.0) for weight in hidden), (last, 1.0)]:
        found = weight.detach().var().item() * weight.shape[1] / variance
        assert found == pytest.approx(1, abs=5 * 2**0.5 / weight.numel() ** 0.5)


def problem(count: int = 40) -> tuple[Tensor, Tensor]:
    """Inputs and which of their first three features is the largest."""
    inputs = torch.from_numpy(np.random.default_rng(0).standard_normal((count, 5)))
    return inputs, inputs[:, :3].argmax(1)


def fresh() -> list[Tensor]:
    network = RandomNetwork(widths=(5, 12, 9), gain=1.0)
    return random_weights(np.random.default_rng(1), network, 3, torch.empty(0, dtype=torch.float64))


def test_a_step_is_gradient_descent_written_out() -> None:
    inputs, classes = problem()
    weights = fresh()
    before = [weight.detach().numpy().copy() for weight in weights]
    descend(weights, inputs, classes, epochs=1, batch=40, learning_rate=0.3, random=np.random.default_rng(2))
    w1, w2, v = before
    x = inputs.numpy()
    h1 = x @ w1.T
    h2 = np.maximum(h1, 0) @ w2.T
    scores = np.maximum(h2, 0) @ v.T
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    error = (shares - np.eye(3)[classes]) / 40
    signal2 = (error @ v) * (h2 > 0)
    signal1 = (signal2 @ w2) * (h1 > 0)
    steps = (signal1.T @ x, signal2.T @ np.maximum(h1, 0), error.T @ np.maximum(h2, 0))
    for weight, old, step in zip(weights, before, steps, strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), old - 0.3 * step, atol=1e-14)


def moved(seed: int, batch: int, rate: float, epochs: int = 1) -> Tensor:
    weights = fresh()
    descend(weights, *problem(), epochs=epochs, batch=batch, learning_rate=rate, random=np.random.default_rng(seed))
    return weights[-1].detach() - fresh()[-1].detach()


def test_every_epoch_sees_every_input_once_in_another_order() -> None:
    """Steps so small that their order does not matter add up: 3 epochs of 5 batches are 15 steps on everything."""
    torch.testing.assert_close(moved(0, 8, 1e-7, 3), 15 * moved(0, 40, 1e-7), rtol=1e-4, atol=0)
    torch.testing.assert_close(moved(0, 40, 0.3), moved(1, 40, 0.3))
    assert not torch.allclose(moved(0, 8, 0.3), moved(1, 8, 0.3), rtol=0, atol=1e-6)


def test_training_learns_to_tell_apart() -> None:
    inputs, classes = problem(400)
    weights = fresh()
    assert accuracy(weights, inputs[300:], classes[300:]) < 0.6
    descend(
        weights, inputs[:300], classes[:300], epochs=60, batch=20, learning_rate=0.2, random=np.random.default_rng(0)
    )
    assert accuracy(weights, inputs[300:], classes[300:]) > 0.8
    right = outputs(weights, inputs).argmax(1) == classes
    assert accuracy(weights, inputs, classes) == right.double().mean()


def test_what_is_held_out_is_not_trained_on() -> None:
    """Of two classes, labels of the held-out inputs the other way round make the rest of the accuracy."""
    (examples,) = point_inputs(points(spec()))
    examples[:, -1] %= 2
    turned = examples.copy()
    turned[48:, -1] = 1 - turned[48:, -1]
    found = [
        build("spectrum_vs_accuracy", spec().tables, each).measure(FiniteSpace(8, 4))["accuracy"]
        for each in (examples, turned)
    ]
    torch.testing.assert_close(found[0] + found[1], torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize(("count", "share", "kept"), [(60, 0.2, 48), (1797, 0.2, 1438), (2, 0.01, 1), (2, 0.99, 1)])
def test_something_is_trained_on_and_something_held_out(count: int, share: float, kept: int) -> None:
    assert trained_on(count, share) == kept


def test_there_is_no_limit_and_nothing_of_a_limit_is_planned() -> None:
    with pytest.raises(ProgramError, match="at a finite width"):
        measured(KetSpace(8, 2))  # type: ignore[arg-type]
    assert {span.kind for span in spans(spec(), [False])} == {"trials"}
    assert trials_at_once(spec(), 4096) == 1
