"""Multi-head self-attention as a layer, of attention nets and of transformers."""

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

from widthwise.models.catalogue import Attention, Transformer
from widthwise.models.layers import affine, wide
from widthwise.spaces import Space

Layer = Callable[[Tensor], Tensor]
"""From vectors at positions, (replicate, input, position, coordinate), to others."""


def multihead(network: Attention | Transformer, space: Space) -> Layer:
    """The sum over heads of ``W_O`` applied to averages of values, in the shape of what it is applied to.

    Entries of every ``W_O`` have variance ``weight_variance`` / n: the fan-in is that of all heads together.
    """
    heads = [_head(network, space) for _ in range(network.heads)]
    return lambda x: reduce(torch.add, (head(x) for head in heads))


def _head(network: Attention | Transformer, space: Space) -> Layer:
    dim, variance = wide(space, 1 / network.heads), network.weight_variance
    queries = affine(space, variance, rows=dim)
    keys = None if network.shared_keys else affine(space, variance, rows=dim)
    values = affine(space, variance, rows=dim)
    out = affine(space, variance / network.heads, columns=dim)

    def head(x: Tensor) -> Tensor:
        q, v = queries(x), values(x)
        weights = _weights(space, network.logit_scale, q, keys(x) if keys else q)
        return out(weights.to(v.dtype) @ v)

    return head


def _weights(space: Space, scale: float, q: Tensor, k: Tensor) -> Tensor:
    """Softmax over the second position of ``scale avg(q_p k_q)``, float64 (replicate, input, position, position)."""
    products = space.gram(q.flatten(0, 1), k.flatten(0, 1)).unflatten(0, q.shape[:2])
    return torch.softmax(scale * products, -1)
