"""What the tests of networks share: their entries for a second program, their kernels, means within errors."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments import NoOptions, build
from widthwise.experiments.options import NTK
from widthwise.models import Architecture
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program
from widthwise.theory.kernels import Array

ERRORS = 5.0
"""By chance exceeded once in 2e6 by a normal number, once in 5e4 by the mean of 32 replicates (Student's t)."""

REPLICATES = 32


def features(inputs: int, count: int) -> Array:
    """Inputs in general position, (input, feature)."""
    i, a = np.arange(inputs)[:, None], np.arange(count)
    return np.sin(1 + a + 2 * i + a * i)


INPUTS = features(3, 8)


def kernels(model: Architecture, space: Space, inputs: Array = INPUTS) -> dict[str, Tensor]:
    """NNGP and tangent kernel, each (replicate, input, input)."""
    return {
        name: value.detach()
        for name, value in build("ntk", {"model": model, "options": NTK()}, inputs).measure(space).items()
    }


def sampled(model: Architecture, samples: int = 1 << 12, inputs: Array = INPUTS, **how: object) -> dict[str, Tensor]:
    """Its kernels in the limit, by kets."""
    return kernels(model, KetSpace(samples, REPLICATES, **how), inputs)  # type: ignore[arg-type]


def small(n: int) -> FiniteSpace:
    """One trial whose entries can be looked at."""
    return FiniteSpace(n, 1, dtype=torch.float64, matrix="dense")


def entries(space: FiniteSpace) -> list[Tensor]:
    """All matrices of one trial in program order, (row, column), as leaves of a second program; biases are columns."""
    return [space.entries(matrix)[0].requires_grad_() for matrix in list(space.matrices)]


def assert_is(
    model: Architecture, n: int, second: Callable[[Sequence[Tensor], Tensor], Tensor], inputs: Array = INPUTS
) -> None:
    """Readout vectors and tangent kernel are those of a second program, of (entries, inputs), to 1e-10.

    Its kernel is that of gradients with respect to standardised weights, without biases, and of output weights v.
    """
    space, constants = small(n), torch.from_numpy(inputs)
    x = model(space, constants)[0]
    weights = entries(space)
    y = second(weights, constants)
    torch.testing.assert_close(x, y, rtol=0, atol=1e-10)

    vectors = y if y.ndim == 3 else y[:, None]
    v = space.vectors(vectors.shape[1])[0]
    outputs = (v * vectors).sum((1, 2)) / (n * len(v)) ** 0.5
    trained = [(w, m) for w, m in zip(weights, space.matrices, strict=True) if not m.is_bias]
    rows = []
    for f in outputs:
        gradients = torch.autograd.grad(f, [w for w, _ in trained], retain_graph=True)
        scaled = [g * (m.variance / w.shape[1]) ** 0.5 for g, (w, m) in zip(gradients, trained, strict=True)]
        rows.append(torch.cat([g.flatten() for g in scaled]))
    jacobian, last = torch.stack(rows), vectors.flatten(1)
    expected = jacobian @ jacobian.mT + last @ last.mT / (n * len(v))
    if not model.no_tangent_kernel:
        torch.testing.assert_close(kernels(model, small(n), inputs)["ntk"][0], expected.detach(), rtol=0, atol=1e-10)


def assert_keeps_to_the_language(model: Architecture, inputs: Array = INPUTS) -> None:
    """Its kernels do not depend on the order of the coordinates."""
    name, options = ("nngp", NoOptions()) if model.no_tangent_kernel else ("ntk", NTK())

    def program(space: Space) -> Mapping[str, Tensor]:
        return build(name, {"model": model, "options": options}, inputs).measure(space)

    check_program(program)


def assert_mean_is(values: Tensor, limit: Array | Tensor | float, rounding: float = 1e-5) -> None:
    """Every entry of the mean over axis 0 within `ERRORS` standard errors of ``limit``, and rounding of float32."""
    assert len(values) >= REPLICATES
    exact = torch.as_tensor(limit, dtype=torch.float64)
    error = values.double().std(0) / len(values) ** 0.5
    distance = (values.double().mean(0) - exact).abs()
    assert (distance <= ERRORS * error + rounding * (1 + exact.abs())).all(), distance / error


def assert_means_agree(values: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> None:
    """Readout by readout, within `ERRORS` standard errors of the difference of independent replicates."""
    for name, value in values.items():
        other = others[name].double()
        error = torch.hypot(value.double().std(0), other.std(0)) / len(value) ** 0.5
        distance = (value.double().mean(0) - other.mean(0)).abs()
        assert (distance <= ERRORS * error + 1e-5 * (1 + other.mean(0).abs())).all(), (name, distance / error)
