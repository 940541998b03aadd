"""Space: what a program is written against; the same few instructions at width n and at infinity."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from widthwise import randomness
from widthwise.errors import ProgramError
from widthwise.randomness import Draw
from widthwise.spaces.gram import avg, gram
from widthwise.spaces.ket_draw import Estimator, ket_draw
from widthwise.spaces.matrices import Dense, Revealed
from widthwise.spaces.matrix import Matrix

Holding = Literal["auto", "revealed", "dense"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Factor:
    r"""One term of a gradient that is never formed, :math:`dL/dW = \frac1n \sum left \, right^T`.

    For a use ``y = W x`` ``left`` is the error signal of y and ``right`` is x; for ``y = W^T x`` the other way round.
    Both have shape (replicate, input, ..., coordinate).
    """

    matrix: Matrix
    left: Tensor
    right: Tensor


class Space:
    """The instructions of the language over an array layout (replicate, input, ..., coordinate).

    Made by :class:`FiniteSpace` (coordinates of width n) or :class:`KetSpace` (samples of the infinite-width limit).
    """

    def __init__(
        self,
        *,
        coordinates: int,
        replicates: int,
        draw: Draw,
        dtype: torch.dtype,
        device: torch.device,
        holding: Holding,
    ) -> None:
        self.coordinates = coordinates
        self.replicates = replicates
        self.dtype = dtype
        self.device = device
        self.matrices: list[Matrix] = []
        self._fresh = _Columns(draw, dtype)
        self._holding: Holding = holding

    def vectors(self, k: int) -> Tensor:
        """``k`` initial vectors, independent N(0, 1): shape (replicate, k, coordinate) (TP4b 2.6.1)."""
        return self._fresh(k, self.coordinates)

    def vector(self) -> Tensor:
        """One initial vector, shape (replicate, 1, coordinate): the same for every input."""
        return self.vectors(1)

    def matrix(self, *, variance: float = 1.0, features: int | None = None) -> Matrix:
        """A Gaussian matrix: n x n, or n x ``features`` to take constant features to coordinates.

        Entries are N(0, variance / columns). The product with features is a multi-vector of initial vectors with
        covariance ``variance * features . features' / columns``.
        """
        columns = self.coordinates if features is None else features
        holding = Dense if self._holding == "dense" else Revealed
        strategy = holding(self._fresh, rows=self.coordinates, columns=columns, variance=variance)
        matrix = Matrix(strategy, replicates=self.replicates, rows=self.coordinates, columns=columns, variance=variance)
        self.matrices.append(matrix)
        return matrix

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

    def backprop(self, f: Tensor, *wrt: Tensor) -> tuple[tuple[Tensor, ...], tuple[Factor, ...]]:
        """Backpropagation through the program (TP4b 2.9.14), summed over the entries of ``f``.

        Args:
            f: scalars of the program, shape (replicate, input, ...).
            wrt: vectors of the program that require a gradient.

        Returns:
            The Theta(1) error signals ``n df/dx`` of ``wrt``, each in the shape of its vector, and the factors of the
            gradients of all matrices that ``f`` depends on.
        """
        uses = [(matrix, use) for matrix in self.matrices for use in matrix.uses]
        signals: tuple[Tensor | None, ...] = torch.autograd.grad(
            f, [*wrt, *(use.y for _, use in uses)], torch.full_like(f, self.coordinates), allow_unused=True
        )
        asked = tuple(signal for signal in signals[: len(wrt)] if signal is not None)
        if len(asked) < len(wrt):
            message = "backprop: a vector in wrt does not influence f; leave it out"
            raise ProgramError(message)
        factors = tuple(
            Factor(matrix=matrix, left=use.x, right=signal)
            if use.transposed
            else Factor(matrix=matrix, left=signal, right=use.x)
            for (matrix, use), signal in zip(uses, signals[len(wrt) :], strict=True)
            if signal is not None
        )
        return asked, factors


class _Columns:
    """Standard normal columns in program order; shared by a space and its matrices, none of which needs the other."""

    def __init__(self, draw: Draw, dtype: torch.dtype) -> None:
        self._draw = draw
        self._dtype = dtype
        self._drawn = 0

    def __call__(self, count: int, coordinates: int) -> Tensor:
        first, self._drawn = self._drawn, self._drawn + count
        return self._draw(first, count, coordinates).to(self._dtype)


class FiniteSpace(Space):
    """The reading at width ``n``: ``trials`` independent networks, trials ``first``, ``first + 1``, ... of the seed.

    A trial's numbers depend on the seed, the width and its own index only.
    """

    def __init__(
        self,
        n: int,
        trials: int = 1,
        *,
        seed: int = 0,
        first: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        matrix: Holding = "auto",
    ) -> None:
        device = torch.device(device)
        super().__init__(
            coordinates=n,
            replicates=trials,
            draw=randomness.pseudo_random(seed, (randomness.FINITE, n), range(first, first + trials), device),
            dtype=dtype,
            device=device,
            holding=matrix,
        )


class KetSpace(Space):
    """The reading at infinite width: every ket by ``samples`` samples, ``replicates`` independent integrations.

    ``estimator`` is ``"rqmc"`` (one scrambled Sobol sequence a replicate) or ``"mc"`` (pseudo-random). Matrices are
    revealed ones: the samplewise form of the dot is that of TP4b 2.6.5 by Stein's lemma.
    """

    def __init__(
        self,
        samples: int,
        replicates: int = 1,
        *,
        seed: int = 0,
        first: int = 0,
        estimator: Estimator = "rqmc",
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        device = torch.device(device)
        super().__init__(
            coordinates=samples,
            replicates=replicates,
            draw=ket_draw(estimator, seed, range(first, first + replicates), samples, device),
            dtype=dtype,
            device=device,
            holding="revealed",
        )
