"""Exponents against reality: MLPs in plain numpy, trained for some steps at growing widths."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from widthwise.theory import PRESETS, Parametrization, UpdateRule, abcd, classify, for_normalised, shifted, uniform

Array = npt.NDArray[np.float64]
Update = Callable[[Array, Array], Array]

DEPTH, STEPS, RATE = 3, 3, 0.1
INPUTS = np.eye(3)
SIGNALS = np.array([[1.0], [-0.5], [0.7]])
"""Derivatives of the loss with respect to the function, of each input: the loss is linear."""

ERRORS = 6
"""Standard errors that a mean slope may be off: false alarms 5e-4 a slope for 8 trials (t with 7), fewer for more."""

DRIFT = 0.03
"""Beyond that: at small widths sizes are not yet on a power law; 150 trials show slopes off by 0.01 to 0.02."""


def signs(gradient: Array, _: Array) -> Array:
    """Smoothed."""
    return gradient / np.sqrt(gradient * gradient + 0.25)


def plain(gradient: Array, _: Array) -> Array:
    return gradient


def normalised(gradient: Array, _: Array) -> Array:
    update = signs(gradient, _)
    return update / np.linalg.norm(update)


def proportional(gradient: Array, weights: Array) -> Array:
    return normalised(gradient, weights) * np.linalg.norm(weights)


def clipped(gradient: Array, _: Array) -> Array:
    """At a norm that does not grow with the width."""
    update = signs(gradient, _)
    return update / max(1.0, np.linalg.norm(update))


def trained(
    parametrization: Parametrization, width: int, rng: np.random.Generator, update: Update = signs
) -> tuple[list[Array], list[Array], list[Array]]:
    """Preactivations of every layer before and after training, the last are the function; last inputs of Q."""
    scales = [[float(width) ** -float(e) for e in (each.a, each.b, each.c, -each.d)] for each in parametrization.layers]
    shapes = [(width, 3), *[(width, width)] * (parametrization.depth - 1), (1, width)]
    weights = [rng.standard_normal(shape) * b for shape, (_, b, _, _) in zip(shapes, scales, strict=True)]
    states, gradients = [], []
    for step in range(STEPS + 1):
        before, activations = [], [INPUTS]
        for w, (a, *_) in zip(weights, scales, strict=True):
            before.append(a * activations[-1] @ w.T)
            activations.append(np.tanh(before[-1]))
        states.append(before)
        signal, gradients = SIGNALS, [] if step < STEPS else gradients
        for index in reversed(range(len(weights) if step < STEPS else 0)):
            a, _, c, d = scales[index]
            gradients.append(d * a * signal.T @ activations[index])
            signal = a * signal @ weights[index] * (1 - activations[index] ** 2)
            weights[index] = weights[index] - RATE * c * update(gradients[-1], weights[index])
    return states[0], states[-1], gradients[::-1]


def slopes(parametrization: Parametrization, update: Update, widths: list[int], trials: int) -> Array:
    """Of log sizes on log width, per trial: changes of the hidden layers and of the function, then inputs of Q."""

    def sizes(width: int, trial: int) -> list[float]:
        before, after, gradients = trained(parametrization, width, np.random.default_rng([width, trial]), update)
        changes = [new - old for new, old in zip(after, before, strict=True)]
        return [float(np.log(np.sqrt(np.mean(each**2)))) for each in (*changes, *gradients)]

    measured = np.array([[sizes(width, trial) for width in widths] for trial in range(trials)])
    x = np.log(widths) - np.mean(np.log(widths))
    return np.einsum("twq,w->tq", measured, x) / (x @ x)


@pytest.mark.parametrize(
    ("parametrization", "rule", "update", "trials"),
    [
        pytest.param(PRESETS["mup"](DEPTH), UpdateRule(), signs, 8, id="mup"),
        pytest.param(PRESETS["ntp"](DEPTH), UpdateRule(), signs, 8, id="ntp"),
        pytest.param(uniform(DEPTH, "1/4"), UpdateRule(), signs, 8, id="uniform"),
        pytest.param(
            abcd(a=[0, 0, 0, 1], b=[0, "1/2", "1/2", 0], c=[1, 1, 2, 0], d=[1] * 4, depth=DEPTH),
            UpdateRule(),
            signs,
            16,
            id="only the second layer learns",
        ),
        pytest.param(PRESETS["ntp"](DEPTH), UpdateRule(optimizer="sgd"), plain, 16, id="ntp sgd"),
        pytest.param(
            abcd(a=["-1/2", 0, "1/2"], b=["1/2"] * 3, c=[0] * 3, d=[0] * 3, depth=DEPTH),
            UpdateRule(optimizer="sgd"),
            plain,
            16,
            id="mup sgd of TP4",
        ),
        pytest.param(
            for_normalised(PRESETS["mup"](DEPTH), "update"),
            UpdateRule(normalise="update"),
            normalised,
            16,
            id="mup normalised",
        ),
        pytest.param(
            for_normalised(PRESETS["ntp"](DEPTH), "weight"),
            UpdateRule(normalise="weight"),
            proportional,
            16,
            id="ntp proportional",
        ),
        pytest.param(PRESETS["mup"](DEPTH), UpdateRule(clip=[0, 0, 0]), clipped, 16, id="mup clipped"),
    ],
)
def test_changes_have_the_predicted_exponents(
    parametrization: Parametrization, rule: UpdateRule, update: Update, trials: int
) -> None:
    found = classify(parametrization, rule)
    expected = [-float(r) for r in (*found.feature_exponents, found.function_exponent)]
    # what Q sees is of order one, or n^(d - d*) for SGD
    seen = zip(parametrization.layers, found.effective.layers, strict=True)
    expected += [float(given.d - faithful.d) for given, faithful in seen]
    widths = [64, 128, 256, 512] + [1024] * (trials == 8)
    measured = slopes(parametrization, update, widths, trials)
    allowed = ERRORS * measured.std(axis=0, ddof=1) / np.sqrt(trials) + DRIFT
    assert np.all(allowed < 0.25)
    assert np.all(np.abs(measured.mean(axis=0) - expected) < allowed)


def test_a_shift_changes_nothing_at_any_width() -> None:
    one = uniform(DEPTH, "1/4")
    for update in (signs, clipped):
        before, after, gradients = trained(one, 20, np.random.default_rng(0), update)
        other = trained(shifted(one, ["1/2", "-1/4", 1, 2]), 20, np.random.default_rng(0), update)
        for mine, theirs in zip((*before, *after, *gradients), (*other[0], *other[1], *other[2]), strict=True):
            np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-13)
        assert max(np.abs(new - old).max() for new, old in zip(after, before, strict=True)) > 0.01
