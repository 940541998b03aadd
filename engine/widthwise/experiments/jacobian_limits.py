"""Exact limits of the spectra of Jacobians from the first state to the last: of perceptrons, residual and simple nets.

Their matrices are free from the diagonals of slopes (TP3 2009.10685), so that the law follows from those: of Gaussian
states from their variances, of residual nets, which are no products of free matrices, from joint samples.
"""

from collections import Counter
from dataclasses import dataclass
from functools import reduce
from operator import matmul

import numpy as np
import torch

from widthwise.models import MLP, RNN, Architecture, ResNet
from widthwise.models.jacobian import mlp_chain
from widthwise.models.slopes import slope, slope_law
from widthwise.spaces import KetSpace
from widthwise.theory.cells import borders, cell_means
from widthwise.theory.free import Chain, Spectrum, diagonal, spectrum, weights
from widthwise.theory.free.blocks import BlockSpectrum, block_spectrum
from widthwise.theory.free.contour import coefficients, contour
from widthwise.theory.kernels import Array

DEEPEST = 6
"""States of a residual net up to which its law is worked out: the cost is cubic in them."""

SAMPLES = 2048
"""Of the kets of a residual net."""

CELLS = 2048
"""Of the laws of several inputs before they are mixed."""

DIGITS = 9
"""Variances of first states that differ by less are one."""

Variances = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class LimitLaw:
    """The mean of the laws of inputs, ``counts`` being how many inputs have each law."""

    laws: tuple[Spectrum | BlockSpectrum, ...]
    counts: tuple[int, ...]

    def cells(self, places: Array) -> Array:
        """Means of the quantile function over cells of (0, 1) with borders at these places (cell + 1,): (cell,)."""
        if len(self.laws) == 1:
            return self.laws[0].cells(places)
        fine = [law.cells(borders("even", CELLS)) for law in self.laws]
        return cell_means(np.repeat(fine, self.counts, axis=0).ravel(), places)

    def moments(self, orders: int) -> Array:
        """``E[x^k]``, k = 1 .. ``orders``, shape (order,)."""
        return np.average([law.moments(orders) for law in self.laws], axis=0, weights=self.counts)

    def recurrence(self, steps: int) -> tuple[Array, Array]:
        """Recurrence coefficients alpha and beta, each (step,), as those of ``widthwise.theory.jacobi``."""
        around = contour(np.array([0.0, max(law.edges[-1] for law in self.laws)]), steps)
        traces = np.stack([_trace(law, around.z) for law in self.laws])
        found = coefficients(around, np.average(traces, axis=0, weights=self.counts), steps)
        return found.alpha, found.beta


def limit_law(model: Architecture, inputs: np.ndarray) -> LimitLaw | None:
    """The limit law of the eigenvalues of J^T J, J between the first and the last state over all inputs together.

    The law of a residual net is that of 2048 samples of its kets, always the same ones.

    Args:
        model: an MLP, a ResNet of up to 6 states or an RNN, with Gaussian vectors; orthogonal matrices, square ones,
            are those of an MLP of at least 3 layers.
        inputs: shape (input, feature).

    Returns:
        The law; None of other networks, and where the Jacobian has no random part (a slope of 0 everywhere).

    Raises:
        SpecError: variances grow beyond all bounds.
        WidthwiseError: the law of a residual net was not found.
    """
    if model.vector_law != "gaussian":
        return None
    counts = Counter(_variances(model, inputs))
    laws = [_law(model, variances) for variances in counts]
    known = tuple(law for law in laws if law is not None)
    return LimitLaw(laws=known, counts=tuple(counts.values())) if len(known) == len(laws) else None


def _variances(model: Architecture, inputs: np.ndarray) -> list[Variances]:
    """What the law depends on, of every input: of a simple net all its variances, of others that of the first state."""
    if isinstance(model, RNN):
        propagation = model.propagation(inputs)
        each = [np.einsum("ipip->i", each) for each in propagation.covariances()] if propagation else []
    elif isinstance(model, MLP | ResNet):
        each = [model.weight_variance * np.square(inputs).mean(1) + model.bias_variance]
    else:
        each = []
    rows = np.stack(each, 1) if each else np.empty((len(inputs), 0))
    return [tuple(float(f"{variance:.{DIGITS}g}") for variance in row) for row in rows]


def _law(model: Architecture, variances: Variances) -> Spectrum | BlockSpectrum | None:
    """Of an input with these variances."""
    if isinstance(model, MLP):
        return _of_perceptron(model, *variances)
    if isinstance(model, RNN) and variances:
        slopes = [diagonal(slope_law(model.activation, variance)) for variance in variances[-2::-1]]
        return _of_chain(reduce(matmul, [weights(variance=model.weight_variance) @ each for each in slopes]))
    if isinstance(model, ResNet) and model.depth <= DEEPEST and model.law != "orthogonal":
        return _of_residual(model, *variances)
    return None


def _of_perceptron(model: MLP, variance: float) -> Spectrum | None:
    """Of orthogonal matrices a single diagonal would have no density; rectangular ones are left to kets."""
    if model.law == "orthogonal" and (model.depth < 3 or any(ratio != 1 for ratio in model.ratios)):
        return None
    return _of_chain(mlp_chain(model, variance))


def _of_chain(chain: Chain) -> Spectrum | None:
    return spectrum(chain) if chain.moments(1)[0] else None


def _of_residual(model: ResNet, variance: float) -> BlockSpectrum | None:
    """By kets for the input of one feature that has this variance."""
    feature = np.sqrt((variance - model.bias_variance) / model.weight_variance)
    space = KetSpace(SAMPLES, dtype=torch.float64)
    with torch.no_grad():
        states = model.states(space, torch.full((1, 1), feature, dtype=torch.float64))
    slopes = slope(model.activation, np.stack([state[0, 0].numpy() for state in states[:-1]]))
    if not slopes.any(1).all():
        return None
    return block_spectrum(slopes, weight_variance=model.weight_variance, scale=model.branch_scale, tied=model.tied)


def _trace(law: Spectrum | BlockSpectrum, z: np.ndarray) -> np.ndarray:
    """``E[1 / (x - z)]``."""
    return law.trace(z) if isinstance(law, BlockSpectrum) else -(1 + law.moment_transform(z)) / z
