"""Jacobians of multilayer perceptrons as products of free matrices."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from widthwise.errors import SpecError
from widthwise.models.activations import activation
from widthwise.models.catalogue import MLP
from widthwise.models.slopes import slope_law
from widthwise.theory import Dual
from widthwise.theory.free import Chain, diagonal, weights
from widthwise.theory.free.chain import WeightLaw

Fan = Literal["in", "out"]

LARGEST = 1e100
"""A variance of preactivations beyond counts as infinite."""


def mlp_chain(model: MLP, variance: float) -> Chain:
    """The Jacobian dh^L/dh^1 of a network of at least two layers, from the first preactivations to the last.

    Args:
        model: its matrices are orthogonal if its law says so; of every other law the limit is the same.
        variance: of the first preactivations.

    Raises:
        SpecError: variances grow beyond all bounds, or the network has no second layer.
    """
    if model.depth < 2:
        message = "model.depth: 1 is not allowed; a Jacobian between preactivations needs at least two layers"
        raise SpecError(message)
    widths = (*(model.ratios or (1.0,) * (model.depth - 1)), 1.0)
    law: WeightLaw = "orthogonal" if model.law == "orthogonal" else "iid"
    v, b = model.weight_variance, model.bias_variance
    chain: Chain | None = None
    for before, after in pairwise(widths):
        pair = weights(after / before, v, law) @ diagonal(slope_law(model.activation, variance))
        chain = pair @ chain if chain else pair
        variance = _next(activation(model.activation).dual, v, b, variance)
    assert chain is not None
    return chain


def network_chain(
    depth: int,
    activation_name: str,
    weight_variance: float | Sequence[float],
    bias_variance: float | Sequence[float] = 0.0,
    *,
    widths: Sequence[float] | None = None,
    weight_law: WeightLaw = "iid",
    norm: float = 1.0,
    fan: Fan = "in",
) -> Chain:
    r"""The input-output Jacobian :math:`J = D_L W_L \cdots D_1 W_1` of a network whose input is wide as well.

    Args:
        depth: number of layers L.
        activation_name: of :math:`D_l = diag(\phi'(h^l))`.
        weight_variance: of an entry of W times its fan, of all layers or of each.
        bias_variance: likewise of biases.
        widths: N_0, ..., N_L up to a common factor; equal by default.
        weight_law: ``"iid"``, of any entries, or ``"orthogonal"``.
        norm: mean square of the input, :math:`|x_0|^2 / N_0`.
        fan: whether a weight has the given variance over the width before it (``"in"``) or after it (``"out"``).

    Raises:
        SpecError: a number is not allowed, or there are not as many as layers; variances grow beyond all bounds.

    Source:
        FPNN (2111.00841), section 3, with the fan-in recursion of the mathematics, section 11.
    """
    if depth < 1:
        message = f"depth: {depth} is not allowed; a network has at least one layer"
        raise SpecError(message)
    sizes = _each("widths", widths if widths is not None else 1.0, depth + 1, positive=True)
    given = _each("weight_variance", weight_variance, depth, positive=True)
    biases = _each("bias_variance", bias_variance, depth, positive=False)
    ratios = sizes[1:] / sizes[:-1]
    variances = given if fan == "in" else given / ratios
    if not 0 < norm < np.inf:
        message = f"norm: {norm} is not allowed; the mean square of the input is positive"
        raise SpecError(message)
    dual, chain = activation(activation_name).dual, None
    q = variances[0] * norm + biases[0]
    for layer, (ratio, variance) in enumerate(zip(ratios, variances, strict=True)):
        pair = diagonal(slope_law(activation_name, q)) @ weights(float(ratio), float(variance), weight_law)
        chain = pair @ chain if chain else pair
        if layer + 1 < depth:
            q = _next(dual, variances[layer + 1], biases[layer + 1], q)
    assert chain is not None
    return chain


def _next(dual: Dual, weight_variance: float, bias_variance: float, q: float) -> float:
    """The variance of the next preactivations."""
    at = np.array([q])
    following = float(weight_variance * dual.kernel(at, at, at)[0] + bias_variance)
    if not following < LARGEST:
        message = f"weight_variance: {weight_variance:g} lets the variance of preactivations grow beyond {LARGEST:g}"
        raise SpecError(message)
    return following


def _each(name: str, value: float | Sequence[float], count: int, *, positive: bool) -> np.ndarray:
    """One number for each of ``count``, of one or of as many."""
    numbers = np.asarray(value, np.float64)
    each = np.full(count, float(numbers)) if numbers.ndim == 0 else numbers
    if len(each) != count:
        message = f"{name}: {len(each)} given, {count} needed, or a single one"
        raise SpecError(message)
    if not np.all(np.isfinite(each) & (each > 0 if positive else each >= 0)):
        message = f"{name}: {value} is not allowed; must be {'positive' if positive else 'not negative'} and finite"
        raise SpecError(message)
    return each
