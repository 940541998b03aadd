"""Factor: a gradient with respect to a matrix, which is never formed."""

from dataclasses import dataclass

from torch import Tensor

from widthwise.spaces.matrix import Matrix


@dataclass(frozen=True, eq=False, kw_only=True)
class Factor:
    r"""One term of a gradient that is never formed, :math:`dL/dW = \frac1{rows} \sum left \, right^T`.

    For a use ``y = W x`` ``left`` is the error signal of y and ``right`` is x; for ``y = W^T x`` the other way round.
    Both have shape (replicate, input, ..., coordinate).
    """

    matrix: Matrix
    left: Tensor
    right: Tensor
