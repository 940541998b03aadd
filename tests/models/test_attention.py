"""Attention nets and transformers: second programs, two estimators of the limit, closed forms, finite width."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import block_diag
from scipy.special import softmax
from second_networks import (
    REPLICATES,
    assert_is,
    assert_keeps_to_the_language,
    assert_mean_is,
    assert_means_agree,
    features,
    kernels,
    sampled,
)
from torch import Tensor, nn

from widthwise.errors import SpecError
from widthwise.models import Attention, Transformer, activation
from widthwise.spaces import FiniteSpace
from widthwise.theory.kernels import Array

Pair = tuple[Array, Array]
"""Kernel and tangent kernel of vectors at positions, (input and position, input and position)."""

INPUTS = 0.5 + features(2, 6)
"""Of three positions, whose mean is not small: attention that only averages keeps nothing else."""

SHARED = Attention(
    positions=3, depth=2, heads=2, shared_keys=True, logit_scale=3.0, weight_variance=1.5, pooling="flatten"
)
APART = Attention(positions=3, depth=2, heads=3, weight_variance=1.5)
BLOCKS = Transformer(
    positions=3, depth=2, heads=2, shared_keys=True, logit_scale=2.0, bias_variance=0.2, weight_variance=1.2
)


def limit(network: Attention | Transformer, inputs: Array = INPUTS) -> dict[str, Array]:
    """NNGP and tangent kernel by recursion: all kets are Gaussian, and attention is a constant."""
    parts = inputs.reshape(len(inputs) * network.positions, -1)
    first = network.weight_variance * parts @ parts.T / parts.shape[1]
    pair = (first, first)
    for _ in range(network.depth):
        pair = _attended(network, pair) if isinstance(network, Attention) else _block(network, pair)
    kernel, tangent = pair if isinstance(network, Attention) else _normed(network, pair)
    return {"nngp": _pooled(network, kernel), "ntk": _pooled(network, kernel + tangent)}


def _attended(network: Attention | Transformer, pair: Pair) -> Pair:
    """Heads are alike in the limit; gradients with respect to queries and keys vanish."""
    kernel, tangent = (network.weight_variance * each for each in pair)
    logits = network.logit_scale * kernel * network.shared_keys
    size = network.positions
    weights = block_diag(*(softmax(logits[i : i + size, i : i + size], 1) for i in range(0, len(kernel), size)))
    values = weights @ kernel @ weights.T
    through = weights @ (kernel + tangent) @ weights.T
    return network.weight_variance * values, network.weight_variance * (values + through)


def _block(network: Transformer, pair: Pair) -> Pair:
    """One block of a transformer."""
    dual, variance, bias = activation(network.activation).dual, network.weight_variance, network.bias_variance
    kernel, tangent = _sum(pair, _attended(network, _normed(network, pair)))
    normed, through = _normed(network, (kernel, tangent))
    hidden = variance * normed + bias
    arguments = (hidden.diagonal()[:, None], hidden, hidden.diagonal()[None])
    moment, slope = dual.kernel(*arguments), dual.derivative_kernel(*arguments)
    return kernel + variance * moment + bias, tangent + variance * (moment + slope * variance * (normed + through))


def _normed(network: Transformer, pair: Pair) -> Pair:
    scale = (pair[0].diagonal() + network.epsilon) ** -0.5
    return np.outer(scale, scale) * pair[0], np.outer(scale, scale) * pair[1]


def _sum(one: Pair, other: Pair) -> Pair:
    return one[0] + other[0], one[1] + other[1]


def _pooled(network: Attention | Transformer, kernel: Array) -> Array:
    count, size = len(kernel) // network.positions, network.positions
    by_position = kernel.reshape(count, size, count, size)
    return by_position.mean((1, 3)) if network.pooling == "mean" else np.einsum("ipjp->ij", by_position) / size


@pytest.mark.parametrize("shared", [False, True])
def test_attention_is_that_of_torch(shared: bool) -> None:
    """Entries in program order: U; in every layer and head those of queries, keys, values, outputs."""
    n, heads = 12, 3
    model = Attention(positions=3, depth=2, heads=heads, logit_scale=5.0, shared_keys=shared, weight_variance=1.7)
    oracle = nn.MultiheadAttention(n, heads, bias=False, batch_first=True, dtype=torch.float64)

    def second(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
        embedding, *rest = weights
        x = inputs.unflatten(1, (3, 2)) @ embedding.mT
        while rest:
            layer, rest = rest[: (3 + (not shared)) * heads], rest[(3 + (not shared)) * heads :]
            parts = [[w[0], w[0], *w[1:]] if shared else w for w in _in_groups(layer, heads)]
            q, k, v, out = zip(*parts, strict=True)
            projections = torch.cat([torch.cat(q) * 5.0 / (n / heads) ** 0.5, torch.cat(k), torch.cat(v)])
            parameters = {"in_proj_weight": projections, "out_proj.weight": torch.cat(out, 1)}
            x, _ = torch.func.functional_call(oracle, parameters, (x, x, x), {"need_weights": False})
        return x.mean(1)

    assert_is(model, n, second, INPUTS)


def test_a_transformer_is_that_of_torch() -> None:
    """Entries: U; queries, keys, values, outputs of every head; W^1, W^2, b^1, b^2. Heads of width 13 / 3 have 4."""
    n, heads = 13, 3
    model = Transformer(
        positions=3, heads=heads, logit_scale=5.0, bias_variance=0.3, epsilon=0.1, ratio=1.5, pooling="flatten"
    )

    def second(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
        embedding, *rest, up, down, up_bias, down_bias = weights
        x = inputs.unflatten(1, (3, 2)) @ embedding.mT
        z = F.layer_norm(x, (n,), eps=0.1)
        for q, k, v, out in _in_groups(rest, heads):
            projected = [z @ w.mT for w in (q, k, v)]
            x = x + F.scaled_dot_product_attention(*projected, scale=5.0 / len(q)) @ out.mT
        hidden = F.gelu(F.linear(F.layer_norm(x, (n,), eps=0.1), up, up_bias[:, 0]))
        return F.layer_norm(x + F.linear(hidden, down, down_bias[:, 0]), (n,), eps=0.1)

    assert_is(model, n, second, INPUTS)


def _in_groups(weights: Sequence[Tensor], count: int) -> Iterator[Sequence[Tensor]]:
    size = len(weights) // count
    return (weights[i : i + size] for i in range(0, len(weights), size))


@pytest.mark.parametrize("model", [SHARED, APART, BLOCKS], ids=["shared", "apart", "blocks"])
def test_they_keep_to_the_language(model: Attention | Transformer) -> None:
    assert_keeps_to_the_language(model, INPUTS)


@pytest.mark.parametrize("model", [SHARED, BLOCKS], ids=["attention", "transformer"])
def test_two_estimators_agree(model: Attention | Transformer) -> None:
    """6 numbers each within 5 standard errors of 32 replicates: a false alarm once in 8e3 seeds."""
    one = model.model_copy(update={"depth": 1, "positions": 2})
    assert_means_agree(sampled(one, 1 << 11, INPUTS), sampled(one, 1 << 10, INPUTS, estimator="derivative"))


@pytest.mark.parametrize("model", [SHARED, APART, BLOCKS], ids=["shared", "apart", "blocks"])
def test_the_limit_is_its_closed_form(model: Attention | Transformer) -> None:
    """6 numbers within 5 standard errors of 32 replicates, once in 8e3 seeds, and 5e-3 of the largest."""
    one = model.model_copy(update={"depth": 1})
    values = sampled(one, 1 << 11, INPUTS)
    for readout, exact in limit(one).items():
        assert_mean_is(values[readout], exact)
        assert np.abs(values[readout].mean(0).numpy() - exact).max() < 5e-3 * np.abs(exact).max()


@pytest.mark.parametrize("model", [SHARED, APART, BLOCKS], ids=["shared", "apart", "blocks"])
def test_finite_width_approaches_it(model: Attention | Transformer) -> None:
    """The bias at n = 1024 is below the error of 32 trials; 6 numbers within 5 of them: once in 8e3 seeds."""
    values = kernels(model, FiniteSpace(1024, REPLICATES), INPUTS)
    for readout, exact in limit(model).items():
        assert_mean_is(values[readout], exact)


def test_attention_with_keys_of_its_own_only_averages() -> None:
    """Pooled, the kernel is that of the mean of the parts, times v^2 a layer and v of the embedding."""
    mean = INPUTS.reshape(2, 3, 2).mean(1)
    exact = 1.5 ** (1 + 2 * APART.depth) * mean @ mean.T / 2
    np.testing.assert_allclose(limit(APART)["nngp"], exact, atol=1e-14)
    np.testing.assert_allclose(limit(APART)["ntk"], (2 + 2 * APART.depth) * exact, atol=1e-14)


def test_shared_keys_and_the_logit_scale_matter() -> None:
    exact = limit(SHARED)["nngp"]
    for change in ({"shared_keys": False}, {"logit_scale": 1.0}):
        assert np.abs(limit(SHARED.model_copy(update=change))["nngp"] - exact).max() > 0.05 * np.abs(exact).max()


@pytest.mark.parametrize("model", [Attention(positions=4), Transformer(positions=4)], ids=lambda model: model.name)
def test_positions_divide_the_features(model: Attention | Transformer) -> None:
    with pytest.raises(SpecError, match=r"^model.positions: 4 does not divide the 6 features of an input"):
        model(FiniteSpace(8), torch.from_numpy(INPUTS))
