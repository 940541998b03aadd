"""Order and chaos: known critical points, the maps and their fixed points against each other and against a deep net."""

import numpy as np
import pytest

from widthwise.models import activation
from widthwise.theory import (
    Dual,
    Propagation,
    State,
    chi_1,
    closed_forms,
    correlation_fixed_point,
    correlation_map,
    critical_weight_variance,
    linear_source,
    variance_fixed_point,
)

ERF, RELU = closed_forms["erf"], closed_forms["relu"]
TANH = activation("tanh").dual
ORDERED, CHAOTIC = (1.0, 0.3), (3.0, 0.1)
INPUTS = np.array([[1.0, 1.0, 0.2], [0.9, -0.3, 1.2]])


def test_critical_weight_variances_without_bias() -> None:
    """1 / phi'(0)^2 of functions with a saturation, 2 of relu."""
    assert critical_weight_variance(ERF, 0.0) == pytest.approx(np.pi / 4, abs=1e-6)
    assert critical_weight_variance(TANH, 0.0) == pytest.approx(1.0, abs=1e-6)
    assert critical_weight_variance(RELU, 0.0) == pytest.approx(2.0)


def test_relu_is_critical_at_2_for_every_bias_though_its_variance_grows_there() -> None:
    biases = np.linspace(0, 1, 5)
    np.testing.assert_allclose(critical_weight_variance(RELU, biases), 2.0)
    assert variance_fixed_point(RELU, 2.0, biases).tolist() == [1.0, *[np.inf] * 4]
    assert np.isinf(variance_fixed_point(RELU, 2.5, 0.1))
    assert variance_fixed_point(RELU, 1.5, 0.0) == 0
    assert variance_fixed_point(RELU, 1.5, 0.1) == pytest.approx(0.1 / (1 - 0.75))
    np.testing.assert_allclose(chi_1(RELU, [1.0, 2.0, 3.0], 0.1), [0.5, 1.0, 1.5])
    assert np.isnan(correlation_fixed_point(RELU, [2.5, 1.5], [0.1, 0.0])).all()
    assert np.isnan(correlation_map(RELU, 2.5, 0.1, 0.5))


def test_where_no_weight_variance_is_critical() -> None:
    assert np.isinf(critical_weight_variance(closed_forms["step"], [0.0, 0.1])).all()


@pytest.mark.parametrize("name", ["erf", "tanh", "sin", "cos"])
def test_the_critical_line_is_where_chi_is_1_and_parts_order_from_chaos(name: str) -> None:
    dual, biases = activation(name).dual, np.array([0.05, 0.3])
    critical = critical_weight_variance(dual, biases)
    np.testing.assert_allclose(chi_1(dual, critical, biases), 1.0, rtol=1e-9)
    assert (chi_1(dual, 0.9 * critical, biases) < 1).all()
    assert (chi_1(dual, 1.1 * critical, biases) > 1).all()
    assert (correlation_fixed_point(dual, 0.9 * critical, biases) == 1).all()
    assert (correlation_fixed_point(dual, 1.1 * critical, biases) < 0.99).all()


@pytest.mark.parametrize("point", [ORDERED, CHAOTIC, (2.0, 0.0)])
@pytest.mark.parametrize("dual", [ERF, TANH], ids=["erf", "tanh"])
def test_fixed_points_are_fixed(dual: Dual, point: tuple[float, float]) -> None:
    variance, bias = point
    q, c = variance_fixed_point(dual, *point), correlation_fixed_point(dual, *point)
    assert q == pytest.approx(variance * dual.kernel(q, q, q) + bias, rel=1e-9)
    assert correlation_map(dual, *point, 1.0) == pytest.approx(1.0, rel=1e-9)
    assert correlation_map(dual, *point, c) == pytest.approx(c, abs=1e-9)
    assert (c < 1e-12) == (bias == 0)


@pytest.mark.parametrize("point", [ORDERED, CHAOTIC])
@pytest.mark.parametrize("dual", [ERF, TANH, RELU], ids=["erf", "tanh", "relu"])
def test_chi_is_the_slope_of_the_correlation_map_at_1(dual: Dual, point: tuple[float, float]) -> None:
    """The second difference quotient of the map, which has a root at 1 for relu, is taken out by extrapolation."""
    if dual is RELU and point == CHAOTIC:
        assert np.isnan(correlation_map(dual, *point, 0.9))
        return
    steps = np.array([1e-4, 4e-4])
    slopes = (1 - correlation_map(dual, *point, 1 - steps)) / steps
    order = 2.0 if dual is RELU else 4.0
    assert (order * slopes[0] - slopes[1]) / (order - 1) == pytest.approx(chi_1(dual, *point), rel=1e-5)


@pytest.mark.parametrize(("point", "chaotic"), [(ORDERED, False), (CHAOTIC, True)])
@pytest.mark.parametrize("dual", [ERF, closed_forms["sin"]], ids=["erf", "sin"])
def test_a_deep_network_tends_to_the_fixed_points_and_its_gradients_grow_by_chi(
    dual: Dual, point: tuple[float, float], chaotic: bool
) -> None:
    variance, bias = point
    first = State(source=linear_source(INPUTS[:, None], variance), bias=bias)
    network = Propagation(dual=dual, weight_variance=variance, states=(first, *(State(bias=bias),) * 199))
    last = network.covariances()[-1].reshape(2, 2)
    q, c = variance_fixed_point(dual, *point), correlation_fixed_point(dual, *point)
    np.testing.assert_allclose(last.diagonal(), q, rtol=1e-9)
    assert last[0, 1] / q == pytest.approx(c, rel=1e-9)
    assert (c < 1) == chaotic
    gradients = [each.reshape(2, 2)[0, 0] for each in network.gradients()]
    assert gradients[100] / gradients[101] == pytest.approx(chi_1(dual, *point), rel=1e-9)
    assert (gradients[100] > gradients[101]) == chaotic
