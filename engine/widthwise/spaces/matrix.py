"""The MatMul instruction: a matrix as a differentiable operator on the coordinate axis, which remembers its uses."""

import inspect
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws import Law
from widthwise.spaces.dim import BIAS, Dim
from widthwise.spaces.holding import Choice
from widthwise.spaces.matrices import Strategy
from widthwise.spaces.unwatched import unwatched


@dataclass(frozen=True, eq=False, kw_only=True)
class Use:
    """One product ``y = W x`` (or ``W^T x``) of a program, as autograd saw it."""

    x: Tensor
    y: Tensor
    transposed: bool


class Matrix:
    """A random matrix W as an operator: ``W(x)`` is W applied along the last axis of ``x``, ``W.T(y)`` its transpose.

    ``variance`` is that of an entry times the size of ``columns``, the matrix' fan-in; ``choice`` says how it is held.
    A matrix is stateful: what was revealed stays, so evaluate each product once, in program order.
    """

    def __init__(
        self,
        product: "Product",
        *,
        replicates: int,
        rows: Dim,
        columns: Dim,
        variance: float,
        law: Law,
        choice: Choice,
    ) -> None:
        self.replicates = replicates
        self.rows = rows
        self.columns = columns
        self.variance = variance
        self.law = law
        self.choice = choice
        self.uses: list[Use] = []
        self._product = product
        self._transposed = False

    @property
    def kind(self) -> Literal["matrix", "vector"]:
        """As a parameter: matrix-like if both sides grow with the width, vector-like if one does (TP4b 2.9)."""
        return "vector" if self.columns.constant else "matrix"

    @property
    def is_bias(self) -> bool:
        """Whether it holds the weights of the constant feature 1."""
        return self.columns == BIAS

    @property
    def T(self) -> "Matrix":
        """The transpose: the same numbers, the same memory of uses."""
        transpose = copy(self)
        transpose._transposed = not self._transposed
        return transpose

    @property
    def takes(self) -> Dim:
        """The dimension class of the vectors it is applied to: ``columns``, of the transpose ``rows``."""
        return self.rows if self._transposed else self.columns

    def __call__(self, x: Tensor) -> Tensor:
        """W applied to every vector of ``x``, shape (replicate, ..., coordinate); differentiable in both modes.

        Raises:
            ProgramError: the last axis of ``x`` is not as long as the matrix is wide, or the first has no entry for
                each replicate.
        """
        self._require_fit(x)
        y = self._product(x, self._transposed)
        if y.requires_grad:
            self.uses.append(Use(x=x, y=y, transposed=self._transposed))
        return y

    def changed(self, change: Callable[[Strategy], Strategy]) -> "Matrix":
        """A matrix with products by another strategy, which ``change`` makes of that of this one; without uses.

        Raises:
            ProgramError: the matrix has products of another kind, those of the estimator ``derivative``.
        """
        if not isinstance(self._product, StrategyProduct):
            message = "matrix: estimator 'derivative' cannot train; use KetSpace(estimator='rqmc') or 'mc'"
            raise ProgramError(message)
        matrix = copy(self)
        matrix.uses = []
        matrix._product = StrategyProduct(change(self._product.strategy), rows=self.rows, columns=self.columns)
        return matrix

    def hat(self, x: Tensor) -> Tensor:
        """The Gaussian part of the ket of ``W x``, in the shape of ``W(x)`` (TP4b 2.6.5); no use of W.

        Raises:
            ProgramError: the space does not keep hats and dots apart; ``KetSpace(estimator="derivative")`` does.
        """
        return self._parts(x)[0]

    def dot(self, x: Tensor) -> Tensor:
        """What the ket of ``W x`` has beside its hat, because x depends on earlier products with ``W^T``."""
        return self._parts(x)[1]

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self._require_fit(x)
        parts = getattr(self._product, "parts", None)
        if parts is None:
            message = "matrix: hat and dot are apart only in KetSpace(..., estimator='derivative')"
            raise ProgramError(message)
        hat, dot = parts(x, self._transposed)
        return hat, dot

    def _require_fit(self, x: Tensor) -> None:
        if x.shape[0] != self.replicates:
            message = (
                f"matrix product: the first axis has {x.shape[0]} entries, the space {self.replicates} replicates; "
                "constants come from space.constant"
            )
            raise ProgramError(message)
        if x.shape[-1] != self.takes.size:
            message = (
                f"matrix product: the last axis has {x.shape[-1]} coordinates, the matrix takes {self.takes.size} "
                f"of {self.takes.name!r}"
            )
            raise ProgramError(message)


class Product(Protocol):
    """The differentiable product with a matrix or its transpose."""

    def __call__(self, x: Tensor, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``, in the leading shape of x."""
        ...


class StrategyProduct:
    """Products by a strategy, whose backward pass is the product with the transpose.

    Gradients are with respect to coordinates of a vector times their number; where one sample stands for several
    coordinates, as many as ``weight`` of its class, the transpose is weighed accordingly.
    """

    def __init__(self, strategy: Strategy, *, rows: Dim, columns: Dim) -> None:
        self.strategy = strategy
        self._anchor = torch.zeros((), requires_grad=True)
        self._weight = columns.weight / rows.weight

    def __call__(self, x: Tensor, transposed: bool) -> Tensor:
        """``W x`` or ``W^T x``."""
        weight = 1 / self._weight if transposed else self._weight
        y: Tensor = _MatMul.apply(x, self._anchor, self.strategy, transposed, weight)
        return y


class _Context(Protocol):
    """What the forward product leaves for its derivatives; torch adds the rest."""

    needs_input_grad: tuple[bool, ...]
    anchor: Tensor
    strategy: Strategy
    transposed: bool
    weight: float


class _MatMul(torch.autograd.Function):
    """Forward W x, backward W^T g, forward mode W dx: the backpropagation program of TP4b 2.9.14.

    ``anchor`` is a number that requires a gradient and has no influence: it keeps products with constants in the graph.
    """

    @staticmethod
    def forward(x: Tensor, anchor: Tensor, strategy: Strategy, transposed: bool, weight: float) -> Tensor:
        vectors = x.detach().reshape(x.shape[0], -1, x.shape[-1])
        with unwatched():
            y = strategy.multiply(vectors, transposed=transposed)
        return y.reshape(*x.shape[:-1], y.shape[-1])

    @staticmethod
    def setup_context(ctx: _Context, inputs: Sequence[Any], output: Tensor) -> None:
        _, ctx.anchor, ctx.strategy, ctx.transposed, ctx.weight = inputs

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        if not ctx.needs_input_grad[0]:
            return None, None, None, None, None
        back = _MatMul.apply(gradient, ctx.anchor, ctx.strategy, not ctx.transposed, 1 / ctx.weight)
        return back if ctx.weight == 1 else back * ctx.weight, None, None, None, None

    @staticmethod
    def jvp(ctx: _Context, tangent: Tensor, *_: None) -> Tensor:
        return _MatMul.apply(tangent, ctx.anchor, ctx.strategy, ctx.transposed, ctx.weight)

    @staticmethod
    def vmap(
        _: object,
        in_dims: Sequence[int],
        x: Tensor,
        anchor: Tensor,
        strategy: Strategy,
        transposed: bool,
        weight: float,
    ) -> tuple[Tensor, int]:
        """Products with many arrays of vectors are one product with all of them."""
        return _MatMul.apply(x.movedim(in_dims[0], 1), anchor, strategy, transposed, weight), 1


# Torch binds the arguments of every call to this signature; read once, it costs a tenth of reading it each time.
_MatMul.forward.__signature__ = inspect.signature(_MatMul.forward)  # type: ignore[attr-defined]
