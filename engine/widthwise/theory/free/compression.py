"""Few points for many: a measure with Gauss's rule on every piece of the axis, for transforms off the real line."""

import numpy as np

from widthwise.theory.free.measure import Measure
from widthwise.theory.jacobi import gauss_quadrature, recurrence
from widthwise.theory.kernels import Array

NODES = 5
"""Of Gauss's rule on every piece."""

PIECE, PIECES = 0.6, 75
"""Their width in log x, from the largest point down, and how many there are; below is one more."""

ANGLE = 0.4
"""Argument from which on a transform is right to 1e-5, of 0.8 to 1e-8; over the resolution."""


def compressed(measure: Measure, resolution: int = 1) -> Measure:
    """A measure with some 150 points for each unit of resolution, right for polynomials of degree 9 on every piece."""
    points, weights = measure.points, measure.weights
    if len(points) <= NODES:
        return measure
    depths = np.log(points[-1]) - np.log(np.maximum(points, np.finfo(np.float64).tiny))
    pieces = np.where(points > 0, 1 + np.minimum(depths // (PIECE / resolution), PIECES * resolution), 0)
    parts = [_gauss(points[pieces == piece], weights[pieces == piece]) for piece in np.unique(pieces)]
    return Measure(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def _gauss(points: Array, weights: Array) -> tuple[Array, Array]:
    """Gauss's rule for a discrete measure, points without a weight where fewer do."""
    if len(points) <= NODES:
        return points, weights
    nodes, shares = gauss_quadrature(*recurrence(points, weights, NODES))
    return np.clip(nodes, points[0], points[-1]), weights.sum() * shares
