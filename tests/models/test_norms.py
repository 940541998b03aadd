"""Layer norm and batch norm: second programs, two estimators of the limit, closed forms, finite width."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from second_networks import (
    INPUTS,
    REPLICATES,
    assert_is,
    assert_keeps_to_the_language,
    assert_mean_is,
    assert_means_agree,
    features,
    kernels,
    sampled,
)
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.experiments import build
from widthwise.experiments.options import NTK
from widthwise.models import BatchNorm, LayerNorm, activation
from widthwise.spaces import FiniteSpace, KetSpace, Space
from widthwise.theory.kernels import Array

BATCH = 8
ALIKE = np.eye(BATCH) * BATCH**0.5 + 0.3
"""Inputs of equal norms with equal inner products: so are, by symmetry, the kernels of every layer."""
CENTRED = np.eye(BATCH) - 1 / BATCH


def layer_norm_limit(network: LayerNorm, inputs: Array) -> dict[str, Array]:
    """NNGP and tangent kernel: preactivations are Gaussian, so that LN divides them by their standard deviation."""
    dual, variance = activation(network.activation).dual, network.weight_variance
    moment = inputs @ inputs.T / inputs.shape[1]
    through = np.zeros_like(moment)
    for _ in range(network.depth):
        h, tangent = variance * moment + network.bias_variance, variance * (moment + through)
        scale = (h.diagonal() + network.epsilon) ** -0.5
        scales = np.outer(scale, scale)
        arguments = ((scale**2 * h.diagonal())[:, None], scales * h, (scale**2 * h.diagonal())[None])
        moment, through = dual.kernel(*arguments), scales * tangent * dual.derivative_kernel(*arguments)
    return {"nngp": moment, "ntk": moment + through}


def batch_norm_moment(name: str) -> Array:
    r"""E[x x^T] of every layer for inputs like `ALIKE` without epsilon, x = phi(BN(h)).

    BN(h) is :math:`\sqrt B` times a point on the unit sphere of the centred vectors, of dimension B - 1. A Gaussian one
    with covariance I - 1/B has mean square length B - 1, and phi is homogeneous (1902.08129, section 3).
    """
    kernel = activation(name).dual.kernel(CENTRED.diagonal()[:, None], CENTRED, CENTRED.diagonal()[None])
    return BATCH / (BATCH - 1) * kernel


def signals(model: BatchNorm, space: Space, inputs: Array) -> dict[str, Tensor]:
    """The NNGP kernel, and kernels of the error signals of outputs with output weights of their own."""
    hs = model.states(space, torch.from_numpy(inputs))
    x = model.readout(hs[-1])
    gradients, _ = space.backprop(space.avg(space.vectors(len(inputs)) * x), *hs)
    named = {f"gradient {layer}": space.gram(signal) for layer, signal in enumerate(gradients, 1)}
    return {name: value.detach() for name, value in {"nngp": space.gram(x), **named}.items()}


def test_layer_norm_is_that_of_torch() -> None:
    model = LayerNorm(activation="tanh", weight_variance=1.4, bias_variance=0.3, epsilon=0.1)

    def second(weights: Sequence[Tensor], x: Tensor) -> Tensor:
        for w, b in zip(weights[::2], weights[1::2], strict=True):
            x = torch.tanh(F.layer_norm(x @ w.mT + b[:, 0], b.shape[:1], eps=0.1))
        return x

    assert_is(model, 11, second)


def test_batch_norm_is_that_of_torch() -> None:
    model = BatchNorm(activation="tanh", weight_variance=1.4, epsilon=0.1)

    def second(weights: Sequence[Tensor], x: Tensor) -> Tensor:
        for w in weights:
            x = torch.tanh(F.batch_norm(x @ w.mT, None, None, training=True, eps=0.1))
        return x

    assert_is(model, 11, second)


@pytest.mark.parametrize("model", [LayerNorm(bias_variance=0.2), BatchNorm()], ids=lambda model: model.name)
def test_they_keep_to_the_language(model: LayerNorm | BatchNorm) -> None:
    assert_keeps_to_the_language(model)


def test_layer_norm_by_two_estimators() -> None:
    """12 numbers within 5 standard errors of 32 replicates: a false alarm once in 4e3 seeds."""
    model = LayerNorm(depth=2, activation="tanh", bias_variance=0.3)
    assert_means_agree(sampled(model), sampled(model, 1 << 10, estimator="derivative"))


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_layer_norm_is_its_closed_form(name: str) -> None:
    """In the limit and at width 512; 24 numbers within 5 standard errors of 32: once in 2e3 seeds."""
    model = LayerNorm(activation=name, weight_variance=1.3, bias_variance=0.2)
    limit, values = layer_norm_limit(model, INPUTS), sampled(model)
    finite = kernels(model, FiniteSpace(512, REPLICATES))
    for readout, exact in limit.items():
        assert_mean_is(values[readout], exact)
        assert_mean_is(finite[readout], exact)
        assert np.abs(values[readout].mean(0).numpy() - exact).max() < 2e-3 * np.abs(exact).max()


def test_layer_norm_forgets_the_scale_of_the_inputs() -> None:
    model = LayerNorm(epsilon=1e-12)
    here, there = (sampled(model, 256, scale * INPUTS, dtype=torch.float64) for scale in (1.0, 30.0))
    for readout in here:
        torch.testing.assert_close(here[readout], there[readout], rtol=1e-8, atol=0)


@pytest.mark.parametrize("space", [FiniteSpace(300, 4), KetSpace(1 << 10, 4)], ids=["finite", "limit"])
def test_normalised_vectors_have_mean_0_and_mean_square_1(space: Space) -> None:
    """In every layer of a deep net whose variance would explode without: the readout of the identity is LN(h)."""
    model = LayerNorm(depth=12, activation="identity", weight_variance=9.0)
    for h in model.states(space, torch.from_numpy(INPUTS)):
        x = model.readout(h).detach()
        torch.testing.assert_close(space.avg(x), torch.zeros(4, 3), rtol=0, atol=1e-5)
        torch.testing.assert_close(space.avg(x * x), torch.ones(4, 3), rtol=0, atol=1e-4)


def test_batch_norm_by_two_estimators() -> None:
    """Its kernel and error signals, 63 numbers within 5 standard errors of 32: once in 8e2 seeds."""
    model, inputs = BatchNorm(depth=2, activation="tanh", epsilon=0.1), features(6, 8)
    two = (KetSpace(samples, REPLICATES, estimator=e) for e, samples in (("rqmc", 1 << 12), ("derivative", 1 << 10)))  # type: ignore[arg-type]
    assert_means_agree(*(signals(model, space, inputs) for space in two))


@pytest.mark.parametrize("name", ["identity", "relu"])
def test_batch_norm_is_its_closed_form(name: str) -> None:
    """In the limit and at width 512, at every depth; 144 numbers within 5 standard errors of 32: once in 3e2 seeds."""
    model, limit = BatchNorm(activation=name, epsilon=1e-9, weight_variance=1.7), batch_norm_moment(name)
    measure = build("nngp", {"model": model}, ALIKE).measure
    values = measure(KetSpace(1 << 12, REPLICATES))["nngp"]
    assert_mean_is(values, limit)
    assert_mean_is(measure(FiniteSpace(512, REPLICATES))["nngp"], limit)
    assert np.abs(values.mean(0).numpy() - limit).max() < 4e-3


def test_batch_norm_of_a_linear_net_moves_apart_what_it_normalises() -> None:
    """E[x x^T] = B / (B - 1) (I - 1/B), whatever the kernel of equal inputs was (1902.08129)."""
    np.testing.assert_allclose(batch_norm_moment("identity"), BATCH / (BATCH - 1) * CENTRED, atol=1e-14)


def test_gradients_of_batch_norm_explode() -> None:
    """By (B - 2) / (B - 3) a linear layer, and faster with relu (1902.08129); 2 numbers, once in 2e4 seeds."""
    exact, growths = (BATCH - 2) / (BATCH - 3), []
    for name in ("identity", "relu"):
        values = signals(BatchNorm(depth=4, activation=name, epsilon=1e-9), KetSpace(1 << 11, REPLICATES), ALIKE)
        sizes = [values[f"gradient {layer}"].diagonal(dim1=1, dim2=2).sum(1) for layer in (2, 3, 4)]
        growths.append([one / other for one, other in pairwise(sizes)])
    for linear, relu in zip(*growths, strict=True):
        assert_mean_is(linear, exact)
        assert (relu > linear).all()


def test_batch_norm_has_no_tangent_kernel() -> None:
    with pytest.raises(SpecError, match=r"^model.name: 'batch_norm' has no neural tangent kernel: [^\n]*'nngp'[^\n]*$"):
        build("ntk", {"model": BatchNorm(), "options": NTK()}, INPUTS)


def test_one_input_is_no_batch() -> None:
    measure = build("nngp", {"model": BatchNorm()}, INPUTS[:1]).measure
    with pytest.raises(
        SpecError, match=r"^data.count: 1 input\(s\) are no batch to normalise over; choose at least 2$"
    ):
        measure(FiniteSpace(8))
