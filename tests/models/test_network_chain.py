"""Jacobians of perceptrons as chains: conventions, variances layer by layer, what is refused."""

import numpy as np
import pytest

from widthwise.errors import SpecError
from widthwise.models import MLP, activation, activation_names
from widthwise.models.jacobian import mlp_chain, network_chain
from widthwise.models.slopes import slope, slope_law

WIDTHS = [1.0, 2.0, 0.5, 1.0]


@pytest.mark.parametrize("name", activation_names())
@pytest.mark.parametrize("variance", [0.01, 1.0, 30.0])
def test_mean_squared_slopes_are_those_of_the_dual(name: str, variance: float) -> None:
    at = np.array([variance])
    expected = activation(name).dual.derivative_kernel(at, at, at)[0]
    assert slope_law(name, variance).moments(1)[0] == pytest.approx(expected, rel=1e-10, abs=1e-15)


def test_slopes_are_derivatives() -> None:
    x, step = np.linspace(-2, 2, 9) + 0.01, 1e-6
    difference = (np.tanh(x + step) - np.tanh(x - step)) / (2 * step)
    np.testing.assert_allclose(slope("tanh", x), difference, rtol=1e-8)


def test_both_fans_speak_of_the_same_network() -> None:
    """A variance over the width after a layer is one over the width before it times that by this one."""
    sizes = np.array(WIDTHS)
    fan_in = network_chain(3, "tanh", list(1.5 * sizes[:-1] / sizes[1:]), 0.1, widths=WIDTHS)
    fan_out = network_chain(3, "tanh", 1.5, 0.1, widths=WIDTHS, fan="out")
    np.testing.assert_allclose(fan_in.moments(4), fan_out.moments(4), rtol=1e-12)


def test_the_first_moment_multiplies_variances_and_mean_squared_slopes() -> None:
    """With variances q_1 = v |x|^2 / N_0 + b and q = v E[phi^2] + b after it, whatever the widths, times N_L / N_0."""
    dual, q, product = activation("gelu").dual, 1.3 * 2.0 + 0.2, 1.0
    for _ in range(3):
        at = np.array([q])
        product *= 1.3 * dual.derivative_kernel(at, at, at)[0]
        q = 1.3 * dual.kernel(at, at, at)[0] + 0.2
    chain = network_chain(3, "gelu", 1.3, 0.2, widths=WIDTHS, norm=2.0)
    assert chain.moments(1)[0] == pytest.approx(product, rel=1e-9)


def test_between_preactivations_there_is_a_layer_less() -> None:
    """Of square layers W D W D ... has the law of D W D W ...: that of the input-output Jacobian one layer shorter."""
    between = mlp_chain(MLP(depth=4, activation="tanh", weight_variance=1.5, bias_variance=0.1), 1.6)
    across = network_chain(3, "tanh", 1.5, 0.1)
    np.testing.assert_allclose(between.moments(5), across.moments(5), rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "depth: 0"),
        ({"weight_variance": [1.0, 2.0]}, "weight_variance: 2 given, 3 needed"),
        ({"bias_variance": -1.0}, "bias_variance: -1.0 is not allowed; must be not negative"),
        ({"norm": 0.0}, "norm: 0.0"),
        ({"widths": [1.0, 0.0, 1.0, 1.0]}, "widths: .* is not allowed; must be positive"),
        ({"weight_variance": 1e60}, "weight_variance: 1e.60 lets the variance of preactivations grow"),
    ],
)
def test_numbers_that_are_no_network_are_refused(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"depth": 3, "activation_name": "relu", "weight_variance": 2.0}
    with pytest.raises(SpecError, match=message):
        network_chain(**{**given, **arguments})  # type: ignore[arg-type]
