"""Lanczos in the program: coefficients of the dense spectrum, of the limit, and of what ends early."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from spread import assert_mean_is, assert_means_agree
from torch import Tensor

from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program, jacobian, lanczos
from widthwise.theory.jacobi import recurrence

ORACLES = Path(__file__).parents[3] / "shared" / "oracles" / "oracles.json"
TANH_MOMENTS = (0.3953173394126456, 1.0603868011621702)
"""Of J^T J for J = D_4 W_4 ... D_1 W_1, tanh, weight variance 1.5, from an input of mean square 1."""


def layers(
    space: Space, steps: int, *, law: str = "gaussian", depth: int = 4, slope: str = "tanh"
) -> tuple[Tensor, Tensor]:
    x = space.vector().clone().requires_grad_()
    y = x
    for _ in range(depth):
        h = space.matrix(variance=1.5, law=law)(y)
        y = torch.tanh(h) if slope == "tanh" else h
    return lanczos(jacobian(space, y, x), space.vector(), steps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("positions", [1, 3])
def test_coefficients_are_those_of_the_dense_spectrum(dtype: torch.dtype, positions: int) -> None:
    """As the start sees it; of several positions together."""
    space = FiniteSpace(24, 2, dtype=dtype)
    W, x = space.matrix(), space.vectors(positions).clone().requires_grad_()
    y = torch.tanh(W(torch.tanh(W(x)) + x.mean(1, keepdim=True)))
    v = space.vectors(positions)
    alpha, beta = lanczos(jacobian(space, y, x), v, 12)
    assert alpha.dtype == beta.dtype == torch.float64
    rows = [torch.autograd.grad(row.sum(), x, retain_graph=True)[0].flatten(1) for row in y.flatten(1).unbind(1)]
    matrix = torch.stack(rows, 1).double()
    values, vectors = torch.linalg.eigh(matrix.mT @ matrix)
    weights = torch.einsum("rak,ra->rk", vectors, v.flatten(1).double()) ** 2
    expected = recurrence(values.clamp_min(0).numpy(), weights.numpy(), 12)
    for found, exact in zip((alpha, beta), expected, strict=True):
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-10 if dtype == torch.float64 else 1e-4)


def test_the_limit_of_a_tanh_network() -> None:
    """Within 5 standard errors of the oracle: a false alarm once in 2e4 seeds; the errors are below 2e-3 of it."""
    if ORACLES.exists():
        oracle: Mapping[str, float] = json.loads(ORACLES.read_text())["tanh_jacobian_L4_sw1.5"]
        assert (oracle["first_moment"], oracle["second_moment"]) == TANH_MOMENTS
    alpha, beta = layers(KetSpace(1 << 13, 32), 1)
    moments = torch.stack([alpha[:, 0], alpha[:, 0] ** 2 + beta[:, 0] ** 2], 1)
    assert_mean_is(moments, torch.tensor(TANH_MOMENTS, dtype=torch.float64))
    assert (moments.std(0) / 32**0.5 < 2e-3 * torch.tensor(TANH_MOMENTS)).all()


def test_the_calculus_agrees() -> None:
    """The dots of products with a Jacobian by their definition: 5 standard errors, 6 numbers, once in 3e5 seeds."""
    spaces = (KetSpace(1 << 10, 32), KetSpace(1 << 10, 32, estimator="derivative"))
    assert_means_agree(*(torch.cat(layers(space, 3, depth=2), 1) for space in spaces))


def test_a_gaussian_matrix_has_the_coefficients_of_marchenko_and_pastur() -> None:
    """Those are 1, 2, 2, ... and 1, 1, ..., times the variance: within 5 standard errors, once in 6e3 seeds."""
    alpha, beta = layers(KetSpace(1 << 11, 32), 4, depth=1, slope="1")
    assert_mean_is(alpha / 1.5, torch.tensor([1.0, 2, 2, 2], dtype=torch.float64))
    assert_mean_is(beta / 1.5, torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("space", [FiniteSpace(40, 3), KetSpace(64, 3), FiniteSpace(40, 3, dtype=torch.float64)])
def test_an_isometry_ends_after_one_step(space: Space) -> None:
    alpha, beta = layers(space, 4, law="orthogonal", depth=12, slope="1")
    torch.testing.assert_close(alpha[:, 0], torch.full((3,), 1.5**12, dtype=torch.float64), rtol=1e-5, atol=0)
    assert not alpha[:, 1:].any()
    assert not beta.any()


@pytest.mark.parametrize("space", [FiniteSpace(40, 3), KetSpace(64, 3)])
def test_no_jacobian_no_coefficients(space: Space) -> None:
    x = space.vector().clone().requires_grad_()
    alpha, beta = lanczos(jacobian(space, torch.relu(torch.sign(space.matrix()(x))), x), space.vector(), 3)
    assert not alpha.any()
    assert not beta.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_there_are_no_more_steps_than_directions(dtype: torch.dtype) -> None:
    alpha, beta = layers(FiniteSpace(3, 8, dtype=dtype), 6, depth=1, slope="1")
    assert (alpha[:, :3] > 0).all()
    assert (beta[:, :2] > 0).all()
    assert not alpha[:, 3:].any()
    assert not beta[:, 2:].any()


def test_it_keeps_to_the_language() -> None:
    check_program(lambda space: dict(zip(("alpha", "beta"), layers(space, 3), strict=True)))
