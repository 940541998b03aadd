"""Space: what a program is written against; the same few instructions at width n and at infinity."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from typing import Any, Literal

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.laws import Law
from widthwise.laws import law as law_of
from widthwise.spaces.calculus import DerivativeProduct, Hats
from widthwise.spaces.columns import InitialColumns
from widthwise.spaces.dim import BIAS, Dim, constant_axis
from widthwise.spaces.factor import Factor
from widthwise.spaces.gram import avg, gram
from widthwise.spaces.holding import Choice, Holding, choose, limit_choice, preferred
from widthwise.spaces.interpolated import Interpolated
from widthwise.spaces.matrices import Columns, Revealed, Strategy
from widthwise.spaces.matrix import Matrix, StrategyProduct
from widthwise.spaces.numbers import Numbers
from widthwise.spaces.orthogonal import RevealedOrthogonal
from widthwise.spaces.outer import outer
from widthwise.spaces.shard import Slice, require_agreement, require_here, whole
from widthwise.spaces.tape import Tape, live
from widthwise.spaces.tiles import Tiles
from widthwise.spaces.whole import together, whole_sums

Reading = Literal["finite", "looked at", "limit", "derivative"]
"""``looked at`` is finite with every matrix revealed, as if it were Gaussian: what a check of a program needs."""

Change = Callable[[int, Matrix], Matrix]
"""``change(index, matrix)``: what the matrix that a program makes as its ``index``-th has become."""

Keep = Callable[[Callable[[], Any]], Any]

KET_TUPLES = 1024
"""Tuples that an outer nonlinearity of kets averages over."""


@dataclass(frozen=True, kw_only=True)
class Laws:
    """What a program draws its matrices and its initial vectors from where it names no law."""

    matrices: str | Law
    vectors: str | Law


class Space:
    """The instructions of the language over an array layout (replicate, input, ..., coordinate).

    Made by ``FiniteSpace`` (coordinates of width n) or ``KetSpace`` (samples of the infinite-width limit).

    Attributes:
        width: n, or None where there are no entries to look at, in the limit above all.
        coordinates: of a vector of the default dimension class: length of its last axis, where no shards share it.
        replicates: independent trials, or integrations.
        matrices: all matrices so far, in program order.
        moved: those whose entries training moved one by one, in rehearsals too.
    """

    def __init__(
        self,
        *,
        coordinates: int,
        replicates: int,
        numbers: Numbers,
        reading: Reading,
        dtype: torch.dtype,
        device: torch.device,
        holding: Holding = "auto",
        slice_: Slice | None = None,
    ) -> None:
        self.width = coordinates if reading == "finite" else None
        self.coordinates = coordinates
        self.replicates = replicates
        self.dtype = dtype
        self.device = device
        self.matrices: list[Matrix] = []
        self.moved: list[Matrix] = []
        self._laws = Laws(matrices="gaussian", vectors="gaussian")
        self._reading: Reading = reading
        self._sampled = reading in ("limit", "derivative")
        self._slice = slice_
        self._dims: dict[str, Dim] = {}
        self._default = self.dim("n")
        self._fresh = InitialColumns(numbers, dtype)
        self._numbers = numbers
        self._holding: Holding = holding
        self._keep: Keep = live
        self._change: Change = _unchanged
        self._hats = Hats(partial(self._fresh.of, "rademacher", 1, self._default))

    @property
    def is_limit(self) -> bool:
        """Whether coordinates are samples of kets."""
        return self._sampled

    @property
    def keeps_graphs(self) -> bool:
        """Whether later products differentiate vectors of backpropagation too: the estimator ``derivative`` does."""
        return self._reading == "derivative"

    def together(self) -> AbstractContextManager[None]:
        """Where a program has to be run that shards share: averages within are over the coordinates of all of them.

        It does nothing for a space that is whole.
        """
        return nullcontext() if self._slice is None else together(self._slice)

    def agreed(self, readouts: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The readouts of a program, once all shards have the same.

        Raises:
            ProgramError: they differ, so that the program looked at coordinates otherwise than by instructions.
        """
        if self._slice is not None:
            require_agreement(self._slice, readouts)
        return readouts

    def differentiating(self) -> AbstractContextManager[object]:
        """Where derivatives of vectors of the program are to be taken by other means than those of the space."""
        return whole_sums(self._default.size) if self._sampled else nullcontext()

    def dim(self, name: str, ratio: float = 1.0) -> Dim:
        """A dimension class: widths that are ``ratio`` times n, rounded (TP0 section 3.2).

        Raises:
            ProgramError: the ratio is not positive, or not that of an earlier class of this name.
        """
        if not 0 < ratio < float("inf"):
            message = f"dim {name!r}: ratio {ratio} is not allowed; it must be a positive number"
            raise ProgramError(message)
        n = self.coordinates
        shards = 1 if self._slice is None else self._slice.count
        sampled = Dim(name=name, size=n // shards, extent=ratio * n, ratio=ratio, shards=shards)
        dim = sampled if self._sampled else sampled.at(n)
        if self._dims.setdefault(name, dim) != dim:
            message = f"dim {name!r}: ratio {ratio} differs from that of the class of this name; choose another name"
            raise ProgramError(message)
        return dim

    def with_laws(self, *, matrices: str | Law = "gaussian", vectors: str | Law = "gaussian") -> "Space":
        """The same space for a program that names no laws: its matrices and vectors, features included, are of these.

        The limit depends on the law of the vectors (NGTP 4.1).
        """
        space = copy(self)
        space._laws = Laws(matrices=matrices, vectors=vectors)
        return space

    def rehearsal(self, holding: Holding = "auto") -> "Space":
        """The same space for a program that is to be run more than once, on the same numbers, with `again`.

        Matrices are held as ``holding`` says, unless the space itself says otherwise.
        """
        space = copy(self)
        space.matrices, space._keep = [], Tape()
        space._holding = holding if self._holding == "auto" else self._holding
        return space

    def again(self, change: Change) -> "Space":
        """The space of a `rehearsal` for the next run: the program draws what it drew, each matrix as it is by now."""
        space = copy(self)
        space.matrices, space._change = [], change
        space._keep = self._keep.rewound() if isinstance(self._keep, Tape) else self._keep
        return space

    def power(self, exponent: Fraction | float) -> float:
        """The width n to this exponent; in the limit 1 for 0, and 0 for less.

        Raises:
            ProgramError: the exponent is above 0 in the limit, where the power is infinite.
        """
        if not self._sampled:
            return float(self.coordinates ** float(exponent))
        if exponent > 0:
            message = f"power: n^{exponent} has no limit; give an exponent that is 0 or less"
            raise ProgramError(message)
        return 0.0 if exponent < 0 else 1.0

    def vectors(self, k: int, dim: Dim | None = None, *, law: str | Law | None = None) -> Tensor:
        """``k`` initial vectors with independent coordinates of mean 0 and variance 1 (TP4b 2.6.1).

        Args:
            k: how many.
            dim: dimension class, by default that of width n.
            law: of the coordinates, in both readings: the limit depends on it (NGTP). Any function of a Gaussian
                vector (a Gaussian image) is just that function applied to it. By default that of the space.

        Returns:
            Shape (replicate, k, coordinate).
        """
        require_here(self._slice, [])
        drawn: Tensor = self._keep(lambda: self._fresh.of(law or self._laws.vectors, k, dim or self._default))
        return drawn

    def vector(self, dim: Dim | None = None, *, law: str | Law | None = None) -> Tensor:
        """One initial vector, shape (replicate, 1, coordinate): the same for every input."""
        return self.vectors(1, dim, law=law)

    def scalar(self, limit: float, noise: float = 0.0) -> Tensor:
        """An initial scalar: ``limit + noise z / sqrt(n)`` with a standard normal z, shape (replicate,)."""
        deviation = 0.0 if self._sampled else noise * self.coordinates**-0.5
        noises: Tensor = self._keep(lambda: self._fresh(1, constant_axis(1))[:, 0, 0])
        return limit + deviation * noises

    def matrix(
        self,
        rows: Dim | None = None,
        columns: Dim | None = None,
        *,
        variance: float = 1.0,
        features: int | None = None,
        law: str | Law | None = None,
        held: Holding | None = None,
    ) -> Matrix:
        """A matrix of independent entries of mean 0 and variance ``variance / columns``.

        Args:
            rows: dimension class of what it gives, by default that of width n.
            columns: dimension class of what it takes, by default that of width n.
            variance: of an entry, times the number of columns.
            features: take so many constant features instead: the columns are then initial vectors, whose law
                the limit depends on.
            law: of the entries; the limit of a program does not depend on that of a matrix (NGTP, theorem 4.1), the
                orthogonal one excepted. By default that of the space for matrices, of features for vectors.
            held: how to hold it at finite width; by default as the space prefers, else by law and size.

        Raises:
            ProgramError: the law cannot be held so.
        """
        if features is not None:
            return self._matrix(rows, constant_axis(features), variance, law or self._laws.vectors, held)
        return self._matrix(rows, columns, variance, law or self._laws.matrices, held)

    def bias(self, variance: float, rows: Dim | None = None) -> Callable[[Tensor], Tensor]:
        """A vector-like parameter b of independent entries of that variance, as the map x -> x + b.

        It is the matrix of one feature, the constant 1, so that its gradient has factors like any other; drawn at its
        first use.
        """
        weights = cache(lambda: self._matrix(rows, BIAS, variance, self._laws.vectors, None))
        return lambda x: x + weights()(torch.ones_like(x[..., :1]))

    def _matrix(
        self, rows: Dim | None, columns: Dim | None, variance: float, law: str | Law, held: Holding | None
    ) -> Matrix:
        drawn: Matrix = self._keep(
            lambda: self._drawn(rows or self._default, columns or self._default, variance, law_of(law), held)
        )
        matrix = self._change(len(self.matrices), drawn)
        self.matrices.append(matrix)
        return matrix

    def _drawn(self, rows: Dim, columns: Dim, variance: float, entry_law: Law, held: Holding | None) -> Matrix:
        require_here(self._slice, [dim.size for dim in (rows, columns) if dim.constant])
        choice = self._choice(entry_law, rows, columns, held or preferred(entry_law, columns, self._holding))
        return Matrix(
            self._product(entry_law, rows, columns, variance, choice),
            replicates=self.replicates,
            rows=rows,
            columns=columns,
            variance=variance,
            law=entry_law,
            choice=choice,
        )

    def interpolated(
        self,
        time: Tensor,
        rows: Dim | None = None,
        columns: Dim | None = None,
        *,
        variance: float = 1.0,
        law: str | Law = "rademacher",
    ) -> Interpolated:
        """The matrix at ``time`` in [0, 1] on the way from a Gaussian one to an independent one of ``law``."""
        gaussian = self.matrix(rows, columns, variance=variance)
        other = self.matrix(rows, columns, variance=variance, law=law)
        return Interpolated(gaussian=gaussian, other=other, time=time)

    def constant(self, values: Tensor) -> Tensor:
        """Constant features (input, ..., feature) in the space's dtype, with a replicate axis in front."""
        tensor = values.to(self.device, self.dtype)
        return tensor.expand(self.replicates, *tensor.shape)

    def avg(self, x: Tensor) -> Tensor:
        """The Avg instruction: mean over coordinates, shape (replicate, input, ...) (TP4b 2.6.1)."""
        return avg(x)

    def gram(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Averages of products, float64, shape (replicate, input, input'): the kernel of a multi-vector."""
        return gram(x, y)

    def outer(
        self,
        psi: Callable[..., Tensor],
        x: Tensor,
        *others: Tensor,
        scalars: tuple[Tensor, ...] = (),
        tuples: int | None = None,
    ) -> Tensor:
        r"""The OuterNonlin instruction of TP4b 2.6.1, :math:`n^{-r} \sum_b \psi(x_a; y^1_{b_1}; ...; y^r_{b_r}; c)`.

        Args:
            psi: takes x, the ``others`` and the scalars, broadcast against each other: the last 1 + r axes are
                coordinates, one for each vector argument; acts on these elementwise.
            x: shape (replicate, ..., coordinate).
            others: r multi-vectors, of any dimension classes.
            scalars: of shape (replicate, ...); give them here, not by closure.
            tuples: how many tuples (b_1, ..., b_r) a ket averages over, the same ones for all samples: an unbiased
                average whose error is in the spread of the replicates. By default at most `KET_TUPLES`; at finite
                width always all.

        Returns:
            Shape (replicate, ..., coordinate), in the leading shape of psi's values. Differentiable.
        """
        return outer(psi, x, others, scalars, (tuples or KET_TUPLES) if self._sampled else None, self._orders)

    def backprop(self, f: Tensor, *wrt: Tensor, again: bool = False) -> tuple[tuple[Tensor, ...], tuple[Factor, ...]]:
        """Backpropagation through the program (TP4b 2.9.14), summed over the entries of ``f``.

        Args:
            f: scalars of the program, shape (replicate, input, ...).
            wrt: vectors of the program that require a gradient.
            again: whether more is to be propagated back through the same vectors.

        Returns:
            The Theta(1) error signals of ``wrt``, df/dx times the number of coordinates of x, each in the shape of its
            vector, and the factors of the gradients of all matrices that ``f`` depends on.
        """
        uses = [(matrix, use) for matrix in self.matrices for use in matrix.uses]
        targets = [*wrt, *(use.y for _, use in uses)]
        seed = torch.full_like(f, self.coordinates)
        with self.differentiating():
            gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
                f, targets, seed, allow_unused=True, retain_graph=again or None, create_graph=self.keeps_graphs
            )
        signals = [None if g is None else self._per_coordinate(g) for g in gradients]
        asked = tuple(signal for signal in signals[: len(wrt)] if signal is not None)
        if len(asked) < len(wrt):
            message = "backprop: a vector in wrt does not influence f; leave it out"
            raise ProgramError(message)
        factors = tuple(
            Factor(matrix=matrix, left=use.x, right=signal * (matrix.rows.extent / matrix.columns.extent))
            if use.transposed
            else Factor(matrix=matrix, left=signal, right=use.x)
            for (matrix, use), signal in zip(uses, signals[len(wrt) :], strict=True)
            if signal is not None
        )
        return asked, factors

    def derivative(self, c: Tensor, of: Tensor) -> Tensor:
        """dc/dof for scalars ``c`` of the program, summed over all entries of c, in the shape of ``of``."""
        with self.differentiating():
            (gradient,) = torch.autograd.grad(c.sum(), of, create_graph=self.keeps_graphs)
        return gradient

    def entries(self, matrix: Matrix) -> Tensor:
        """All of a matrix at finite width, shape (replicate, row, column), by its products with the basis vectors.

        Raises:
            ProgramError: the space is the limit, where a matrix has no entries.
        """
        if self.width is None:
            message = "entries: a matrix has none in the limit; ask for them where space.width is not None"
            raise ProgramError(message)
        basis = torch.eye(matrix.takes.size, dtype=self.dtype, device=self.device)
        with torch.no_grad():
            return matrix(basis.expand(self.replicates, *basis.shape)).mT

    def _orders(self, count: int, length: int) -> Tensor:
        """``count`` random orders of ``length`` things, (replicate, count, length); the first is the order itself."""
        first = torch.arange(length, device=self.device).expand(self.replicates, 1, length)
        if count == 1:
            return first
        return torch.cat([first, self._fresh(count - 1, constant_axis(length)).argsort(-1)], 1)

    def _per_coordinate(self, gradient: Tensor) -> Tensor:
        coordinates = whole(gradient.shape[-1])
        return gradient if coordinates == self.coordinates else gradient * (coordinates / self.coordinates)

    def _choice(self, law: Law, rows: Dim, columns: Dim, asked: Holding) -> Choice:
        if self.width is None:
            return limit_choice(law, rows, columns)
        entry_bytes = self.replicates * self.dtype.itemsize
        taken = sum(matrix.choice.bytes for matrix in self.matrices)
        return choose(law, rows, columns, asked=asked, entry_bytes=entry_bytes, taken=taken)

    def _product(
        self, law: Law, rows: Dim, columns: Dim, variance: float, choice: Choice
    ) -> StrategyProduct | DerivativeProduct:
        if self._reading == "derivative" and law.family == "orthogonal":
            message = "matrix: estimator 'derivative' knows no hats of an orthogonal matrix; use 'rqmc' or 'mc'"
            raise ProgramError(message)
        if self._reading == "derivative" and not columns.constant:
            return DerivativeProduct(self._fresh, self._hats, rows=rows, columns=columns, variance=variance)
        return StrategyProduct(self._strategy(law, rows, columns, variance, choice), rows=rows, columns=columns)

    def _strategy(self, law: Law, rows: Dim, columns: Dim, variance: float, choice: Choice) -> Strategy:
        if law.family == "orthogonal":
            return RevealedOrthogonal(self._fresh, rows=rows, columns=columns, variance=variance)
        if choice.held == "revealed":
            return Revealed(self._fresh, rows=rows, columns=columns, variance=variance)
        if columns.constant:
            return Columns(self._fresh.of(law, columns.size, rows), rows=rows, variance=variance)
        index, entries = len(self.matrices), self._numbers.entries
        return Tiles(
            lambda i, j, shape: entries(law, (index, i, j), shape),
            rows=rows,
            columns=columns,
            variance=variance,
            dtype=self.dtype,
            keep=choice.held == "dense",
        )


def _unchanged(index: int, matrix: Matrix) -> Matrix:
    return matrix
