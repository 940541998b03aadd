"""Gauss-Legendre panels under the normal density, with edges of their own for every row: the rule for kinks."""

import numpy as np

from widthwise.theory.kernels import Array

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(16)
POINTS = len(_POINTS)


def even_edges(half_range: float, cells: int) -> Array:
    """Edges of ``cells`` equal panels and a part of one, from minus to plus ``half_range``.

    They are off centre: a kink at 0 that was not named must neither fall on an edge nor be balanced by symmetry.
    """
    inner = half_range * (2 * (np.arange(cells) + 0.4) / cells - 1)
    return np.concatenate(([-half_range], inner, [half_range]))


def normal_rule(edges: Array, more_edges: Array) -> tuple[Array, Array]:
    """Nodes and weights, normal density included, of shape (row, node).

    Args:
        edges: edges common to all rows; the first and the last bound the range.
        more_edges: edges of each row, shape (row, edge). One beyond the range makes an empty panel, of weight zero.
    """
    common = np.broadcast_to(edges, (len(more_edges), len(edges)))
    every = np.sort(np.clip(np.concatenate((common, more_edges), axis=1), edges[0], edges[-1]), axis=1)
    half = np.diff(every, axis=1)[:, :, None] / 2
    nodes = every[:, :-1, None] + half * (1 + _POINTS)
    weights = half * _WEIGHTS * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    return nodes.reshape(len(every), -1), weights.reshape(len(every), -1)


def place(kinks: Array, scale: Array) -> Array:
    """Where a variable that is multiplied by ``scale`` meets the kinks; 0, a harmless edge, where the scale is 0."""
    shape = np.broadcast(kinks, scale).shape
    with np.errstate(over="ignore"):
        return np.divide(kinks, scale, out=np.zeros(shape), where=scale != 0)
