"""The MatMul instruction: a matrix as a differentiable operator on the coordinate axis, which remembers its uses."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces.matrices import Strategy


@dataclass(frozen=True, eq=False, kw_only=True)
class Use:
    """One product ``y = W x`` (or ``W^T x``) of a program, as autograd saw it."""

    x: Tensor
    y: Tensor
    transposed: bool


class Matrix:
    """A random matrix W as an operator: ``W(x)`` is W applied along the last axis of ``x``, ``W.T(y)`` its transpose.

    ``variance`` is that of an entry times ``columns``, the matrix' fan-in. A matrix is stateful: what was revealed
    stays, so evaluate each product once, in program order.
    """

    def __init__(
        self,
        strategy: Strategy,
        *,
        replicates: int,
        rows: int,
        columns: int,
        variance: float,
        transposed: bool = False,
    ) -> None:
        self.replicates = replicates
        self.rows = rows
        self.columns = columns
        self.variance = variance
        self.uses: list[Use] = []
        self._strategy = strategy
        self._transposed = transposed
        self._anchor = torch.zeros((), requires_grad=True)

    @property
    def T(self) -> "Matrix":
        """The transpose: the same numbers, the same memory of uses."""
        transpose = Matrix(
            self._strategy,
            replicates=self.replicates,
            rows=self.rows,
            columns=self.columns,
            variance=self.variance,
            transposed=not self._transposed,
        )
        transpose.uses = self.uses
        return transpose

    def __call__(self, x: Tensor) -> Tensor:
        """W applied to every vector of ``x``, shape (replicate, ..., coordinate); differentiable in both modes.

        Raises:
            ProgramError: the last axis of ``x`` is not as long as the matrix is wide, or the first has no entry for
                each replicate.
        """
        if x.shape[0] != self.replicates:
            message = (
                f"matrix product: the first axis has {x.shape[0]} entries, the space {self.replicates} replicates; "
                "constants come from space.constant"
            )
            raise ProgramError(message)
        expected = self.rows if self._transposed else self.columns
        if x.shape[-1] != expected:
            message = f"matrix product: the last axis has {x.shape[-1]} coordinates, the matrix takes {expected}"
            raise ProgramError(message)
        y = _MatMul.apply(x, self._anchor, self._strategy, self._transposed)
        if y.requires_grad:
            self.uses.append(Use(x=x, y=y, transposed=self._transposed))
        return y


class _Context(Protocol):
    """What the forward product leaves for its derivatives; torch adds the rest."""

    needs_input_grad: tuple[bool, ...]
    anchor: Tensor
    strategy: Strategy
    transposed: bool


class _MatMul(torch.autograd.Function):
    """Forward W x, backward W^T g, forward mode W dx: the backpropagation program of TP4b 2.9.14.

    ``anchor`` is a number that requires a gradient and has no influence: it keeps products with constants in the graph.
    """

    @staticmethod
    def forward(x: Tensor, anchor: Tensor, strategy: Strategy, transposed: bool) -> Tensor:
        vectors = x.detach().reshape(x.shape[0], -1, x.shape[-1])
        y = strategy.multiply(vectors, transposed=transposed)
        return y.reshape(*x.shape[:-1], y.shape[-1])

    @staticmethod
    def setup_context(ctx: _Context, inputs: Sequence[Any], output: Tensor) -> None:
        _, ctx.anchor, ctx.strategy, ctx.transposed = inputs

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, None, None, None]:
        if not ctx.needs_input_grad[0]:
            return None, None, None, None
        return _MatMul.apply(gradient, ctx.anchor, ctx.strategy, not ctx.transposed), None, None, None

    @staticmethod
    def jvp(ctx: _Context, tangent: Tensor, *_: None) -> Tensor:
        return _MatMul.apply(tangent, ctx.anchor, ctx.strategy, ctx.transposed)


# Torch binds the arguments of every call to this signature; read once, it costs a tenth of reading it each time.
_MatMul.forward.__signature__ = inspect.signature(_MatMul.forward)  # type: ignore[attr-defined]
