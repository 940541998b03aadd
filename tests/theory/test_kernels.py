"""The MLP recursion: oracles, symmetries and inputs that are collinear, equal or zero."""

import json
from pathlib import Path

import numpy as np
import pytest
from plain_networks import mlp_kernels

from widthwise.theory import closed_forms

ORACLES = json.loads(Path(__file__).with_name("mlp_oracles.json").read_text())
INPUTS = np.random.default_rng(0).standard_normal((6, 5))


@pytest.mark.parametrize("case", sorted(set(ORACLES) - {"inputs"}))
def test_kernels_match_the_oracles(case: str) -> None:
    oracle = ORACLES[case]
    nngp, ntk = mlp_kernels(
        np.asarray(ORACLES["inputs"]["X"]).T,
        depth=oracle["depth"],
        weight_variance=oracle["weight_variance"],
        bias_variance=oracle["bias_variance"],
        dual=closed_forms[case.split("_")[1]],
    )
    np.testing.assert_allclose(nngp, oracle["nngp"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(ntk, oracle["ntk"], rtol=0, atol=1e-14)


def test_linear_network_has_a_power_of_the_variance_and_one_tangent_a_layer() -> None:
    nngp, ntk = mlp_kernels(INPUTS, depth=3, weight_variance=1.3, bias_variance=0.0, dual=closed_forms["identity"])
    expected = 1.3**3 * INPUTS @ INPUTS.T / 5
    np.testing.assert_allclose(nngp, expected, rtol=1e-13)
    np.testing.assert_allclose(ntk, 4 * expected, rtol=1e-13)


def test_biases_of_a_linear_network_add_up() -> None:
    nngp, ntk = mlp_kernels(INPUTS, depth=2, weight_variance=1.3, bias_variance=0.2, dual=closed_forms["identity"])
    product = 1.3**2 * INPUTS @ INPUTS.T / 5
    np.testing.assert_allclose(nngp, product + 0.2 * (1 + 1.3), rtol=1e-13)
    # Each layer's weights see the bias of the layers before: readout 1 + 1.3 times 0.2, second layer 1.3 times 0.2.
    np.testing.assert_allclose(ntk, 3 * product + 0.2 * (1 + 2 * 1.3), rtol=1e-13)


@pytest.mark.parametrize("name", sorted(closed_forms))
def test_kernels_are_symmetric_positive_and_follow_a_permutation(name: str) -> None:
    kernels = mlp_kernels(INPUTS, depth=3, weight_variance=1.5, bias_variance=0.1, dual=closed_forms[name])
    order = np.array([3, 0, 5, 1, 4, 2])
    permuted = mlp_kernels(INPUTS[order], depth=3, weight_variance=1.5, bias_variance=0.1, dual=closed_forms[name])
    for kernel, other in zip(kernels, permuted, strict=True):
        assert kernel.shape == (6, 6)
        np.testing.assert_array_equal(kernel, kernel.T)
        assert np.linalg.eigvalsh(kernel)[0] > -1e-13 * np.trace(kernel)
        np.testing.assert_allclose(other, kernel[np.ix_(order, order)], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", sorted(closed_forms))
def test_equal_inputs_have_equal_rows(name: str) -> None:
    doubled = np.concatenate((INPUTS, INPUTS))
    for kernel in mlp_kernels(doubled, depth=6, weight_variance=1.5, bias_variance=0.1, dual=closed_forms[name]):
        scale = np.abs(kernel).max()
        np.testing.assert_allclose(kernel[:6, 6:], kernel[:6, :6], rtol=0, atol=1e-13 * scale)


def test_relu_kernels_scale_with_the_inputs_down_to_zero() -> None:
    scales = np.array([1.0, 3.0, 1e-6, 1e5, 0.0, 2.0])
    settings = {"depth": 4, "weight_variance": 2.0, "bias_variance": 0.0, "dual": closed_forms["relu"]}
    for kernel, scaled in zip(
        mlp_kernels(INPUTS, **settings), mlp_kernels(INPUTS * scales[:, None], **settings), strict=True
    ):
        np.testing.assert_allclose(scaled, kernel * np.outer(scales, scales), rtol=1e-12)


def test_one_input_gives_a_one_by_one_kernel() -> None:
    nngp, ntk = mlp_kernels(INPUTS[:1], depth=1, weight_variance=2.0, bias_variance=0.0, dual=closed_forms["relu"])
    np.testing.assert_allclose(nngp, [[INPUTS[0] @ INPUTS[0] / 5]], rtol=1e-14)
    np.testing.assert_allclose(ntk, 2 * nngp, rtol=1e-14)
