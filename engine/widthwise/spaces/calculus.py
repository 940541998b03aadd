"""The ket calculus to the letter: hats with their exact covariance, dots by automatic differentiation."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import ReferenceType, ref

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces.basis import Basis
from widthwise.spaces.dim import Dim
from widthwise.spaces.gram import avg
from widthwise.spaces.matrices import Fresh
from widthwise.spaces.split import combine, split
from widthwise.spaces.whole import whole_sums


class Hats:
    """What the matrices of a space share: random signs, and whether derivatives now are those with respect to hats."""

    def __init__(self, signs: Callable[[], Tensor]) -> None:
        self._draw = signs
        self._signs: Tensor | None = None
        self.differentiating = False

    @property
    def signs(self) -> Tensor:
        """Independent signs, shape (replicate, 1, coordinate); drawn when first asked for."""
        if self._signs is None:
            self._signs = self._draw()
        return self._signs

    @contextmanager
    def differentiation(self) -> Iterator[None]:
        """Within, a product differentiates to its hat and to the vectors of its dot, not to what it was applied to."""
        before, self.differentiating = self.differentiating, True
        try:
            yield
        finally:
            self.differentiating = before


class DerivativeProduct:
    r"""Products of kets by their definition (TP4b 2.6.5).

    .. math:: W x = \hat{W x} + s \sum_i y_i \, E[\partial x / \partial \hat{W^T y_i}], \qquad
        Cov(\hat{W x}, \hat{W x'}) = s \, E[x x']

    with s the ``variance``, for the transpose times rows per column (section 3 of the mathematics). Every hat is a leaf
    of autograd's graph. The mean of a coordinatewise derivative is :math:`\frac1N \sum_a s_a \, \partial (\sum_b s_b
    x_b) / \partial h_a` with random signs s, which leave out what reaches x through averages: that has no limit.

    The program has to stay differentiable: no ``no_grad``, no ``detach``, and no jumps, whose derivative nobody sees.
    """

    def __init__(self, fresh: Fresh, hats: Hats, *, rows: Dim, columns: Dim, variance: float) -> None:
        self._fresh = fresh
        self._hats = hats
        self._dims = (rows, columns)
        self._variance = variance
        self._known = (Basis(), Basis())
        self._uses: tuple[list[tuple[Tensor, Tensor]], list[tuple[Tensor, Tensor]]] = ([], [])

    def __call__(self, x: Tensor, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``; one more use, on whose hat later vectors may depend."""
        vectors = _flat(x)
        hat = self._hat(vectors, transposed).requires_grad_()
        value = hat + self._dot(vectors, transposed)
        self._uses[transposed].append((hat, vectors))
        y: Tensor = _Fork.apply(vectors, value, ref(self), transposed)
        return y.reshape(*x.shape[:-1], y.shape[-1])

    def parts(self, x: Tensor, transposed: bool) -> tuple[Tensor, Tensor]:
        """Hat and dot of a product, in its shape."""
        vectors = _flat(x)
        hat, dot = self._hat(vectors, transposed), self._dot(vectors, transposed)
        shape = (*x.shape[:-1], hat.shape[-1])
        return hat.reshape(shape), dot.expand_as(hat).reshape(shape)

    def back(self, gradient: Tensor, transposed: bool) -> Tensor:
        """The backward pass of a use: the product with the transpose, weighed as coordinates are."""
        rows, columns = self._dims
        weight = rows.weight / columns.weight if transposed else columns.weight / rows.weight
        return self(gradient, not transposed) * weight

    @property
    def differentiates_hats(self) -> bool:
        """Whether the backward pass under way is one of `_slopes`."""
        return self._hats.differentiating

    def _hat(self, x: Tensor, transposed: bool) -> Tensor:
        known = self._known[transposed]
        images = known.images
        inside, new, factor = split(x.detach(), known.rows)
        fresh = self._fresh(new.shape[1], self._outer(transposed)) * math.sqrt(self._strength(transposed))
        known.append(new, fresh)
        hat = combine(factor, fresh)
        return hat if inside is None or images is None else hat + combine(inside, images)

    def _dot(self, x: Tensor, transposed: bool) -> Tensor:
        """Zero where nothing was asked of the transpose before."""
        uses = self._uses[not transposed]
        if uses and not torch.is_grad_enabled():
            message = "derivative estimator: a dot needs derivatives; take torch.no_grad out of the program"
            raise ProgramError(message)
        if not uses or not x.requires_grad:
            return x.new_zeros(())
        slopes = self._slopes(x, [hat for hat, _ in uses]) * self._strength(transposed)
        return combine(slopes, torch.cat([y for _, y in uses], 1))

    def _slopes(self, x: Tensor, hats: Sequence[Tensor]) -> Tensor:
        """E[dx / dhat] for every vector of x and of the hats, float64 (replicate, vector, hat)."""
        signs = self._hats.signs
        rows = []
        with self._hats.differentiation(), whole_sums(x.shape[-1]):
            for vector in x.unbind(1):
                found: tuple[Tensor | None, ...] = torch.autograd.grad(
                    vector, hats, signs.expand_as(vector[:, None])[:, 0], retain_graph=True, allow_unused=True
                )
                slopes = [torch.zeros_like(hat) if g is None else g * signs for g, hat in zip(found, hats, strict=True)]
                rows.append(torch.cat([avg(each.double()) for each in slopes], 1))
        return torch.stack(rows, 1)

    def _outer(self, transposed: bool) -> Dim:
        return self._dims[1 if transposed else 0]

    def _strength(self, transposed: bool) -> float:
        rows, columns = self._dims
        return self._variance * (rows if transposed else columns).extent / columns.extent


def _flat(x: Tensor) -> Tensor:
    return x.reshape(x.shape[0], -1, x.shape[-1])


class _Context(Protocol):
    needs_input_grad: tuple[bool, ...]
    product: ReferenceType[DerivativeProduct]
    transposed: bool


class _Fork(torch.autograd.Function):
    """The value of a product, with two derivatives: the program's, W^T g, and that with respect to hats.

    The graph refers to the product weakly: the product keeps vectors of the graph, and such a circle is never freed.
    """

    @staticmethod
    def forward(x: Tensor, value: Tensor, product: ReferenceType[DerivativeProduct], transposed: bool) -> Tensor:
        return value.clone()  # a view would need a view for its tangent

    @staticmethod
    def setup_context(ctx: _Context, inputs: Sequence[Any], output: Tensor) -> None:
        _, _, ctx.product, ctx.transposed = inputs

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        product = _alive(ctx)
        if product.differentiates_hats:
            return None, gradient, None, None
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        return product.back(gradient, ctx.transposed), None, None, None

    @staticmethod
    def jvp(ctx: _Context, tangent: Tensor, *_: Tensor | None) -> Tensor:
        return _alive(ctx)(tangent, ctx.transposed)


def _alive(ctx: _Context) -> DerivativeProduct:
    product = ctx.product()
    if product is None:
        message = "derivative estimator: the space is gone; keep it until the last derivative is taken"
        raise ProgramError(message)
    return product
