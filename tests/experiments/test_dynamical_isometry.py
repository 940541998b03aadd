"""Mean and spread of critical Jacobians: free matrices, dense ones, wide networks and kets; what is not critical."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from acceptance import REPLICATES, assert_mean_is, exact_limit, experiment, measured

import widthwise
from widthwise.errors import ProgramError, SpecError
from widthwise.experiments.dynamical_isometry import CriticalPoint, critical_point
from widthwise.models import activation as activation_of
from widthwise.models.slopes import slope_law
from widthwise.spaces import Estimator, FiniteSpace, KetSpace, Space
from widthwise.spaces.jacobian import jacobian
from widthwise.theory.free import diagonal, weights

NAME = "dynamical_isometry"
EXAMPLE = Path(__file__).parents[2] / "examples" / "dynamical_isometry.toml"
NAMES = ("cos", "erf", "gaussian", "gelu", "hard_tanh", "sin", "tanh", "abs", "identity", "leaky_relu", "relu")
LAWS = ("gaussian", "orthogonal")
HOMOGENEOUS = ("abs", "identity", "leaky_relu", "relu")

OPTIONS: tuple[dict[str, object], ...] = (
    {"depth": 4},
    {"depth": 4, "activation": "relu", "bias_variance": 2.0},
    {"depth": 3, "activation": "hard_tanh", "bias_variance": 0.1},
    {"depth": 3, "law": "orthogonal", "bias_variance": 0.3},
    {"depth": 3, "law": "orthogonal", "activation": "erf"},
)


def mean_is(values: Mapping[str, np.ndarray], limit: Mapping[str, np.ndarray], rounding: float) -> None:
    for readout, value in limit.items():
        assert_mean_is(values[readout], value, rounding)


@pytest.mark.parametrize("name", NAMES)
def test_the_closed_form_is_that_of_free_matrices(name: str) -> None:
    """The first two moments of the whole product, where the closed form adds up relative variances."""
    point = critical_point(activation_of(name), 1.0)
    slopes = diagonal(slope_law(name, point.preactivation_variance))
    for entries in LAWS:
        w = weights(variance=point.weight_variance, law="iid" if entries == "gaussian" else "orthogonal")
        limit, chain = exact_limit(NAME, activation=name, law=entries, bias_variance=1.0, depth=4), w @ slopes
        for mean, spread in zip(limit["mean"], limit["spread"], strict=True):
            first, second = chain.moments(2)
            assert mean == pytest.approx(1, rel=1e-8) == pytest.approx(first, rel=1e-8)
            assert spread == pytest.approx(second / first**2 - 1, rel=1e-9, abs=1e-9)
            chain = w @ slopes @ chain


@pytest.mark.parametrize("name", NAMES)
def test_critical_networks_keep_the_size_of_signals_and_error_signals(name: str) -> None:
    """Homogeneous ones keep that of error signals at any variance, for their own has no fixed point."""
    point, dual = critical_point(activation_of(name), 1.0), activation_of(name).dual
    q = point.preactivation_variance
    assert point.weight_variance * dual.derivative_kernel(q, q, q) == pytest.approx(1, abs=1e-9)
    if name in HOMOGENEOUS:
        assert q == 1
    else:
        assert point.weight_variance * dual.kernel(q, q, q) + 1.0 == pytest.approx(q, rel=1e-9)


@pytest.mark.parametrize(
    ("options", "spread"),
    [
        ({"activation": "identity"}, 1.0),
        ({"activation": "identity", "law": "orthogonal"}, 0.0),
        ({"activation": "relu"}, 2.0),
        ({"activation": "relu", "law": "orthogonal"}, 1.0),
        ({"activation": "tanh", "bias_variance": 0.0}, 1.0),
        ({"activation": "erf", "bias_variance": 0.0, "law": "orthogonal"}, 0.0),
    ],
    ids=str,
)
def test_spreads_that_are_known(options: dict[str, object], spread: float) -> None:
    """In proportion to the number of layers: 1 of Gaussian matrices, 1 more of slopes half of which are 0."""
    np.testing.assert_allclose(exact_limit(NAME, **options)["spread"], spread * np.arange(1, 8), rtol=1e-6, atol=1e-6)


def test_slopes_of_hard_tanh_are_alive_or_not() -> None:
    """1 with a probability p: a spread of 1 / p for each layer, and 1 less of an orthogonal one (PSG)."""
    alive = 1 / critical_point(activation_of("hard_tanh"), 0.1).weight_variance
    for law, rest in (("uniform", 0.0), ("orthogonal", 1.0)):
        limit = exact_limit(NAME, activation="hard_tanh", bias_variance=0.1, law=law)
        np.testing.assert_allclose(limit["spread"], np.arange(1, 8) * (1 / alive - rest), rtol=1e-9)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_readouts_are_those_of_dense_matrices(options: dict[str, object]) -> None:
    """Of the matrices and biases that the experiment itself has drawn, and the two vectors that it draws first."""
    name, n = str(options.get("activation", "tanh")), 11
    space, twin = FiniteSpace(n, 1, dtype=torch.float64), FiniteSpace(n, 1, dtype=torch.float64)
    values = measured(NAME, space, **options)
    point = critical_point(activation_of(name), float(str(options.get("bias_variance", 0.05))))
    h, v = point.preactivation_variance**0.5 * twin.vector()[0, 0], twin.vector()[0, 0]
    entries, j = [space.entries(matrix)[0] for matrix in space.matrices], torch.eye(n, dtype=torch.float64)
    for layer, (w, bias) in enumerate(zip(entries[::2], entries[1::2], strict=True)):
        variable = h.detach().requires_grad_()
        x = activation_of(name).function(variable)
        j = w @ torch.diag(torch.autograd.grad(x.sum(), variable)[0]) @ j
        h = w @ x.detach() + bias[:, 0]
        squares, vectors = np.linalg.eigh((j.T @ j).numpy())
        seen = (vectors.T @ v.numpy()) ** 2 / float(v @ v)
        mean, second = seen @ squares, seen @ squares**2
        np.testing.assert_allclose(values["mean"][0, layer], mean, rtol=1e-9)
        np.testing.assert_allclose(values["spread"][0, layer], second / mean**2 - 1, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("options", OPTIONS[:3], ids=str)
def test_readouts_are_those_of_the_operator_of_a_jacobian(options: dict[str, object]) -> None:
    """The chain rule by hand and autograd's, on the same numbers: entries of dense matrices do not depend on uses."""
    spaces = [FiniteSpace(17, 2, dtype=torch.float64, matrix="dense") for _ in range(2)]
    values = measured(NAME, spaces[0], **options)
    first, v, *states = _network(spaces[1], **({"activation": "tanh", "bias_variance": 0.05} | options))
    for index, state in enumerate(states):
        j = jacobian(spaces[1], state, first)
        image = j(v)
        norm, mean, second = ((each**2).mean(-1)[:, 0] for each in (v, image, j.T(image)))
        np.testing.assert_allclose(values["mean"][:, index], mean / norm, rtol=1e-10)
        np.testing.assert_allclose(values["spread"][:, index], second * norm / mean**2 - 1, rtol=1e-8, atol=1e-10)


def _network(space: Space, *, activation: str, bias_variance: float, depth: int) -> list[torch.Tensor]:
    """The first state of a critical network, the random vector, and the other states."""
    function = activation_of(activation)
    point = critical_point(function, bias_variance)
    vectors = [(point.preactivation_variance**0.5 * space.vector()).requires_grad_(), space.vector()]
    h = vectors[0]
    for _ in range(depth - 1):
        h = space.bias(bias_variance)(space.matrix(variance=point.weight_variance)(function.function(h)))
        vectors.append(h)
    return vectors


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_wide_networks_meet_the_closed_form(options: dict[str, object]) -> None:
    """24 numbers, 5 standard errors of 32 trials: a false alarm once in 2,000 seeds; the bias is below one of them."""
    mean_is(measured(NAME, FiniteSpace(1024, REPLICATES, seed=2), **options), exact_limit(NAME, **options), 1e-3)


@pytest.mark.parametrize("law", ["rademacher", "uniform", "sparse(0.5)"])
def test_the_law_of_independent_entries_does_not_matter(law: str) -> None:
    mean_is(measured(NAME, FiniteSpace(256, REPLICATES), law=law, depth=3), exact_limit(NAME, depth=3), 1e-2)


@pytest.mark.parametrize("estimator", ["rqmc", "derivative"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_kets_meet_the_closed_form(options: dict[str, object], estimator: Estimator) -> None:
    """As wide networks do; the calculus knows no orthogonal matrices."""
    space = KetSpace(1024, REPLICATES, estimator=estimator)
    if estimator == "derivative" and options.get("law") == "orthogonal":
        with pytest.raises(ProgramError, match="orthogonal"):
            measured(NAME, space, **options)
    else:
        mean_is(measured(NAME, space, **options), exact_limit(NAME, **options), 1e-2)


@pytest.mark.parametrize("options", [{"activation": "identity"}, {"activation": "sin", "bias_variance": 0.0}], ids=str)
def test_linear_orthogonal_networks_are_isometries(options: dict[str, object]) -> None:
    for space in (FiniteSpace(64, 4), KetSpace(256, 4)):
        values = measured(NAME, space, law="orthogonal", depth=12, **options)
        np.testing.assert_allclose(values["mean"], 1, rtol=1e-5)
        np.testing.assert_allclose(values["spread"], 0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "bias", "words"),
    [
        ("step", 0.0, "options.activation: 'step' has no critical"),
        ("gelu", 0.05, "options.bias_variance: at 0.05 'gelu' is critical at no variance"),
        ("gelu", 0.0, "options.bias_variance: at 0 'gelu'"),
    ],
)
def test_where_nothing_is_critical_one_line_says_so(name: str, bias: float, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        experiment(NAME, activation=name, bias_variance=bias)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
    assert "; choose another" in str(caught.value)


def test_the_critical_point_of_tanh() -> None:
    """Weights of standard deviation 1.3270 for biases of variance 0.05: q* = 0.570, as the literature has it."""
    assert critical_point(activation_of("tanh"), 0.05) == CriticalPoint(
        weight_variance=pytest.approx(1.76, abs=2e-3), preactivation_variance=pytest.approx(0.57, abs=2e-3)
    )


def test_the_example_at_small_size(tmp_path: Path) -> None:
    """With small biases spreads of orthogonal layers are less than a tenth of the others: limits and trials show it."""
    small = ["options.depth=3", "sweep.width=[64]", "sweep.trials=8", 'sweep."options.bias_variance"=[0.001]']
    spec = widthwise.load_spec(EXAMPLE, [*small, "limit.samples=256", "limit.replicates=2"])
    results = widthwise.open(widthwise.run(spec, tmp_path / "isometry.run", address="inline"))
    curves = results["curves"]["profile"].sel(readout="spread").squeeze("options.bias_variance")
    for reading in ("limit", "widest"):
        gaussian, orthogonal = (curves.sel({"reading": reading, "options.law": law}) for law in LAWS)
        assert (orthogonal < 0.1 * gaussian).all()
        assert (orthogonal > 0).all()
