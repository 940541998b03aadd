"""The vectors a matrix was asked for, as orthonormal rows, with its answers beside them."""

from torch import Tensor


class Basis:
    """Orthonormal rows (for the inner product ``avg(x * y)``) and what the matrix makes of them.

    Both arrays have shape (replicate, row, coordinate). They grow geometrically, so that k products copy O(k) rows in
    all.
    """

    def __init__(self) -> None:
        self._count = 0
        self._rows: Tensor | None = None
        self._images: Tensor | None = None

    @property
    def rows(self) -> Tensor | None:
        """The vectors asked for; a direction that some replicates lack is a zero row there."""
        return None if self._rows is None else self._rows[:, : self._count]

    @property
    def images(self) -> Tensor | None:
        """The matrix applied to ``rows``."""
        return None if self._images is None else self._images[:, : self._count]

    def append(self, rows: Tensor, images: Tensor) -> None:
        """Add orthonormal rows and their images."""
        self._rows = _appended(self._rows, rows, self._count)
        self._images = _appended(self._images, images, self._count)
        self._count += rows.shape[1]


def _appended(buffer: Tensor | None, rows: Tensor, count: int) -> Tensor:
    """``buffer`` with ``rows`` written behind its first ``count``; the very first rows are taken as they are."""
    if buffer is None:
        return rows
    needed = count + rows.shape[1]
    if needed > buffer.shape[1]:
        larger = buffer.new_empty(buffer.shape[0], max(needed, 2 * count), buffer.shape[2])
        larger[:, :count] = buffer[:, :count]
        buffer = larger
    buffer[:, count:needed] = rows
    return buffer
