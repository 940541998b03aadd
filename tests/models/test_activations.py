"""Every registered activation against scipy's adaptive integration, and the registry itself."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import expit, ndtr

from widthwise.errors import SpecError
from widthwise.models import activations, functions
from widthwise.models.activations import BUILT_IN, activation, activation_names
from widthwise.models.functions import FUNCTIONS, register_activation
from widthwise.sources import source_of
from widthwise.theory import closed_forms, quadrature_dual

Scalar = Callable[[float], float]


def _normal(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


# Each activation and its derivative, written down without torch.
SCALARS: dict[str, tuple[Scalar, Scalar]] = {
    "abs": (abs, lambda x: math.copysign(1.0, x) if x else 0.0),
    "cos": (math.cos, lambda x: -math.sin(x)),
    "elu": (lambda x: x if x > 0 else math.expm1(x), lambda x: 1.0 if x > 0 else math.exp(x)),
    "erf": (math.erf, lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x)),
    "gaussian": (lambda x: math.exp(-x * x), lambda x: -2 * x * math.exp(-x * x)),
    "gelu": (lambda x: x * float(ndtr(x)), lambda x: float(ndtr(x)) + x * _normal(x)),
    "hard_tanh": (lambda x: max(-1.0, min(1.0, x)), lambda x: float(-1 < x < 1)),
    "identity": (lambda x: x, lambda x: 1.0),
    "leaky_relu": (lambda x: x if x > 0 else 0.01 * x, lambda x: 1.0 if x > 0 else 0.01),
    "relu": (lambda x: max(x, 0.0), lambda x: float(x > 0)),
    "sigmoid": (lambda x: float(expit(x)), lambda x: float(expit(x) * expit(-x))),
    "silu": (lambda x: x * float(expit(x)), lambda x: float(expit(x) * (1 + x * expit(-x)))),
    "sin": (math.sin, math.cos),
    "softplus": (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), lambda x: float(expit(x))),
    "step": (lambda x: float(x > 0), lambda x: 0.0),
    "tanh": (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
}
ALL = pytest.mark.parametrize("name", sorted(FUNCTIONS))
COVARIANCES = [(1.0, 0.3, 0.8), (0.5, -0.4, 2.0), (3.0, 1.9, 1.5), (0.2, 0.0, 0.9)]


def _mean(function: Scalar, kinks: Sequence[float]) -> float:
    """E[function(z)] by QUADPACK, split at the kinks."""
    inside = sorted({k for k in kinks if -10 < k < 10})
    edges = [-10.0, *inside, 10.0]
    pieces = [
        quad(lambda z: function(z) * _normal(z), low, high, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
        for low, high in pairwise(edges)
    ]
    return math.fsum(pieces)


def _expectation(function: Scalar, kinks: Sequence[float], k11: float, k12: float, k22: float) -> float:
    """E[function(u) function(v)] by nested adaptive integration."""
    deviation = math.sqrt(k11)
    slope, spread = k12 / deviation, math.sqrt(k22 - k12**2 / k11)

    def outer(z: float) -> float:
        cuts = [(k - slope * z) / spread for k in kinks]
        return function(deviation * z) * _mean(lambda y: function(slope * z + spread * y), cuts)

    return _mean(outer, [k / deviation for k in kinks])


def test_every_activation_has_a_scalar_to_be_compared_with() -> None:
    assert set(SCALARS) == set(FUNCTIONS)


def test_the_names_known_without_torch_are_those_of_the_functions() -> None:
    assert sorted(FUNCTIONS) == list(BUILT_IN)


@ALL
def test_functions_and_derivatives_are_what_the_names_say(name: str) -> None:
    x = torch.tensor([-30.0, -2.3, -0.4, 0.0, 0.9, 1.7, 21.3, 35.0], dtype=torch.float64, requires_grad=True)
    value = FUNCTIONS[name].function(x)
    (slope,) = torch.autograd.grad(value.sum(), x)
    for computed, scalar in zip((value, slope), SCALARS[name], strict=True):
        expected = [scalar(each) for each in x.tolist()]
        np.testing.assert_allclose(computed.detach().numpy(), expected, rtol=1e-14, atol=1e-15)


@ALL
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_kernels_match_adaptive_integration(name: str, covariance: tuple[float, float, float]) -> None:
    dual, kinks = FUNCTIONS[name].dual, FUNCTIONS[name].kinks
    for kernel, scalar in zip((dual.kernel, dual.derivative_kernel), SCALARS[name], strict=True):
        value = kernel(*np.array(covariance)[:, None])[0]
        assert value == pytest.approx(_expectation(scalar, kinks, *covariance), rel=1e-10, abs=1e-12)


@ALL
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("first", "second"), [(1.0, 1.0), (0.3, 2.5), (8.0, 1e-3), (1e-12, 1.0)])
def test_collinear_pairs_match_one_dimensional_integration(name: str, sign: int, first: float, second: float) -> None:
    dual, kinks = FUNCTIONS[name].dual, FUNCTIONS[name].kinks
    a, b = math.sqrt(first), sign * math.sqrt(second)
    pair = np.array([[first], [a * b], [second]])
    cuts = [k / each for k in kinks for each in (a, b)]
    for kernel, scalar in zip((dual.kernel, dual.derivative_kernel), SCALARS[name], strict=True):

        def product(z: float, scalar: Scalar = scalar) -> float:
            return scalar(a * z) * scalar(b * z)

        assert kernel(*pair)[0] == pytest.approx(_mean(product, cuts), rel=1e-10, abs=1e-12)


@ALL
def test_a_variance_of_zero_is_the_activation_at_zero(name: str) -> None:
    dual, kinks = FUNCTIONS[name].dual, FUNCTIONS[name].kinks
    k11, k22 = np.array([0.0, 0.0, 1.3]), np.array([0.0, 1.3, 0.0])
    for kernel, scalar in zip((dual.kernel, dual.derivative_kernel), SCALARS[name], strict=True):
        cuts = [k / math.sqrt(1.3) for k in kinks]
        mean = _mean(lambda z, scalar=scalar: scalar(math.sqrt(1.3) * z), cuts)
        expected = np.array([scalar(0.0) ** 2, scalar(0.0) * mean, scalar(0.0) * mean])
        np.testing.assert_allclose(kernel(k11, np.zeros(3), k22), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", sorted(closed_forms))
def test_closed_forms_match_quadrature(name: str) -> None:
    each = FUNCTIONS[name]
    by_quadrature = functions._by_quadrature(name, each.function, each.kinks).dual
    variances = [(1.0, 1.0), (0.3, 2.5), (1e-4, 7.0), (12.0, 30.0), (0.0, 1.0), (0.0, 0.0), (1e-12, 1e-12)]
    correlations = [0.0, 0.3, -0.7, 0.97, 1 - 1e-5, 1e-6 - 1, 1.0, -1.0]
    rows = [(a, rho * math.sqrt(a * b), b) for a, b in variances for rho in correlations]
    k11, k12, k22 = np.array(rows).T
    for kind in ("kernel", "derivative_kernel"):
        exact, quadrature = getattr(each.dual, kind), getattr(by_quadrature, kind)
        scale = np.sqrt(exact(k11, k11, k11) * exact(k22, k22, k22))
        error = np.abs(quadrature(k11, k12, k22) - exact(k11, k12, k22))
        assert np.all(error <= 2e-13 * scale)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "elu", "hard_tanh"])
def test_activations_by_quadrature_obey_price_theorem(name: str) -> None:
    """The derivative by the covariance, by central differences, up to correlations of 0.999."""
    k11, k22, step = np.full(5, 0.7), np.full(5, 1.9), 1e-4
    k12 = np.array([-0.99, -0.3, 0.0, 0.9, 0.999]) * math.sqrt(0.7 * 1.9) * 0.99
    kernel = FUNCTIONS[name].dual.kernel
    slope = (
        8 * (kernel(k11, k12 + step, k22) - kernel(k11, k12 - step, k22))
        - (kernel(k11, k12 + 2 * step, k22) - kernel(k11, k12 - 2 * step, k22))
    ) / (12 * step)
    np.testing.assert_allclose(slope, FUNCTIONS[name].dual.derivative_kernel(k11, k12, k22), rtol=0, atol=1e-8)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match=r"^'foo' is not known; allowed: abs, cos, .*, tanh$"):
        activation("foo")


@pytest.fixture
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "_REGISTERED", {})


@pytest.mark.usefixtures("_own_registry")
def test_a_registered_activation_has_its_kernels() -> None:
    registered = register_activation("twice_relu", lambda x: 2 * torch.relu(x), kinks=(0.0,))
    assert activation("twice_relu") is registered
    pair = np.array([[1.0, 2.0], [0.5, -0.7], [1.5, 0.4]])
    relu = closed_forms["relu"]
    np.testing.assert_allclose(registered.dual.kernel(*pair), 4 * relu.kernel(*pair), rtol=1e-12)
    np.testing.assert_allclose(registered.dual.derivative_kernel(*pair), 4 * relu.derivative_kernel(*pair), rtol=1e-12)


@pytest.mark.usefixtures("_own_registry")
@pytest.mark.parametrize(
    ("name", "function", "kinks", "message"),
    [
        ("erf", torch.erf, (), "'erf' is taken"),
        ("mine", lambda x: x.cumsum(-1), (), "is not coordinatewise"),
        ("mine", lambda x: x - x.mean(), (), "is not coordinatewise"),
        ("mine", lambda x: x.flip(0), (), "is not coordinatewise"),
        ("mine", torch.sum, (), "same shape and dtype"),
        ("mine", torch.log, (), "finite numbers"),
        ("mine", lambda x: x.float(), (), "same shape and dtype"),
        ("mine", lambda x: (x > 0).double(), (), "is not differentiable"),
        ("mine", torch.relu, (math.nan,), "must be finite"),
    ],
)
def test_what_cannot_be_registered_is_refused(
    name: str, function: Callable[[torch.Tensor], torch.Tensor], kinks: tuple[float, ...], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        register_activation(name, function, kinks=kinks)
    assert "mine" not in activation_names()


def test_derivatives_are_integrated_under_no_grad_too() -> None:
    with torch.no_grad():
        inside = FUNCTIONS["tanh"].dual.derivative_kernel(np.ones(1), np.zeros(1), np.ones(1))
    dual = quadrature_dual(np.tanh, lambda x: 1 / np.cosh(x) ** 2)
    np.testing.assert_allclose(inside, dual.derivative_kernel(np.ones(1), np.zeros(1), np.ones(1)), rtol=1e-12)


def test_code_typed_at_a_prompt_is_told_apart_by_its_constants() -> None:
    half, quarter, again = (eval(f"lambda x: x + {shift}") for shift in (0.5, 0.25, 0.5))
    assert source_of(half) == source_of(again)
    assert source_of(half) != source_of(quarter)
