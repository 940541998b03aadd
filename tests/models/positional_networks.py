"""Networks with positions, as their tests need them: kernels of a reading, bounds, gradients in plain torch."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments import build
from widthwise.experiments.options import NTK
from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, KetSpace, Space

Kernels = Mapping[str, np.ndarray]

INPUTS = np.sin(1 + np.arange(12) + 2 * np.arange(2)[:, None] * np.arange(12))
"""Two inputs of twelve features."""


def measured(model: Architecture, space: Space, inputs: np.ndarray = INPUTS, *, biases: bool = False) -> Kernels:
    """NNGP and tangent kernel on a space, each (replicate, input, input)."""
    values = build("ntk", {"model": model, "options": NTK(biases=biases)}, inputs).measure(space)
    return {name: value.numpy() for name, value in values.items()}


def exact(model: Architecture, inputs: np.ndarray = INPUTS, *, biases: bool = False) -> Kernels:
    """Their limits."""
    limit = build("ntk", {"model": model, "options": NTK(biases=biases)}, inputs).exact
    assert limit is not None
    return limit()


def assert_sampled_limit_is_exact(model: Architecture, *, biases: bool) -> None:
    """6 standard errors of 8 replicates: by chance 5e-4 an entry (t with 7 degrees of freedom); and 3% in norm."""
    values = measured(model, KetSpace(1 << 12, 8, dtype=torch.float64), biases=biases)
    for name, limit in exact(model, biases=biases).items():
        _assert_mean_is(values[name], limit, errors=6.0, allowance=0.0)
        assert np.linalg.norm(values[name].mean(0) - limit) < 0.03 * np.linalg.norm(limit)


def assert_wide_network_is_near_the_limit(model: Architecture, *, biases: bool, n: int = 256) -> None:
    """5 standard errors of 48 trials (1e-5 an entry), and 8 / n of the diagonal for the bias, of order depth / n."""
    values = measured(model, FiniteSpace(n, 48, seed=1), biases=biases)
    for name, limit in exact(model, biases=biases).items():
        _assert_mean_is(values[name], limit, errors=5.0, allowance=8 / n)


def _assert_mean_is(values: np.ndarray, limit: np.ndarray, *, errors: float, allowance: float) -> None:
    error = values.std(0, ddof=1) / len(values) ** 0.5
    distance = np.abs(values.mean(0) - limit)
    assert (distance <= errors * error + (allowance + 1e-12) * limit.diagonal().max()).all(), distance / error


def tangent_kernel(
    model: Architecture, network: Callable[[list[Tensor]], Tensor], n: int, inputs: np.ndarray = INPUTS
) -> tuple[np.ndarray, np.ndarray]:
    """The tangent kernel with biases at width n: ours, and by torch's gradients of explicit entries of all matrices.

    Args:
        model: the network as a program.
        network: takes the entries of its matrices in program order, gives readout vectors (input, ..., coordinate).
        n: the width.
        inputs: constant, (input, feature).
    """
    ours, draws = (FiniteSpace(n, dtype=torch.float64, matrix="dense") for _ in range(2))
    kernel = measured(model, ours, inputs, biases=True)["ntk"][0]
    vectors = model(draws, torch.from_numpy(inputs))
    positions = vectors.shape[2] if vectors.ndim == 4 else 1
    entries = [draws.entries(matrix)[0].requires_grad_() for matrix in draws.matrices]
    v = draws.vectors(positions)[0].requires_grad_()
    x = network(entries).reshape(len(inputs), positions, n)
    outputs = torch.einsum("pa,ipa->i", v, x) / (n * positions) ** 0.5
    scales = [*((matrix.variance / matrix.columns.size) ** 0.5 for matrix in draws.matrices), 1.0]
    rows = [torch.autograd.grad(f, [*entries, v], retain_graph=True) for f in outputs]
    gradients = torch.stack([torch.cat([s * g.flatten() for s, g in zip(scales, row, strict=True)]) for row in rows])
    return kernel, (gradients @ gradients.mT).numpy()
