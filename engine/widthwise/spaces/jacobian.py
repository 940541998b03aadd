"""The Jacobian of a vector of a program with respect to an earlier one, as an operator that is never formed."""

import torch
from torch import Tensor

from widthwise.errors import ProgramError
from widthwise.spaces.space import Space


class Jacobian:
    r"""J = dy/dx: ``J(v)`` is J v, ``J.T(u)`` its transpose applied to u; any number of times, in any order.

    Products hold nothing of the graph, except in the calculus (estimator ``derivative``), which differentiates them.
    """

    def __init__(self, space: Space, y: Tensor, x: Tensor, *, stretch: float) -> None:
        self._y = y
        self._x = x
        self._stretch = stretch if space.is_limit else 1.0
        self._attached = space.keeps_graphs
        self._differentiating = space.differentiating
        self._has_entries = space.width is not None
        self._seed = torch.zeros_like(y).requires_grad_()
        self._back = self._derivative(y, x, self._seed, create_graph=True)

    def __call__(self, v: Tensor) -> Tensor:
        r"""J v, in the shape of y, for v in the shape of x.

        The transpose is linear, so that its derivative at 0 is J, to which 0 has shown nothing of any matrix.
        """
        return self._derivative(self._back, self._seed, v, create_graph=self._attached)

    def T(self, u: Tensor) -> Tensor:
        """J^T u, in the shape of x, for u in the shape of y."""
        back = self._derivative(self._y, self._x, u, create_graph=self._attached)
        return back if self._stretch == 1 else back * self._stretch

    def entries(self) -> Tensor:
        """All of J at finite width, (replicate, row, column): one pass for all rows, products with all unit vectors.

        Rows are the entries of y and columns those of x, in their order.

        Raises:
            ProgramError: the space is the limit, where J has no entries.
        """
        if not self._has_entries:
            message = "entries: a Jacobian has none in the limit; ask for them where space.width is not None"
            raise ProgramError(message)
        rows = self._y[0].numel()
        units = torch.eye(rows, dtype=self._y.dtype, device=self._y.device).reshape(rows, 1, *self._y.shape[1:])
        found: Tensor = torch.vmap(self.T)(units.expand(rows, *self._y.shape))
        return found.flatten(2).movedim(0, 1)

    def _derivative(self, of: Tensor, wrt: Tensor, along: Tensor, *, create_graph: bool) -> Tensor:
        """The gradient of <of, along>, zero where nothing depends on ``wrt``; the graph is kept."""
        if not of.requires_grad:
            return torch.zeros_like(wrt)
        with self._differentiating():
            (gradient,) = torch.autograd.grad(
                of, wrt, along, retain_graph=True, create_graph=create_graph, allow_unused=True, materialize_grads=True
            )
        return gradient


def jacobian(space: Space, y: Tensor, x: Tensor, *, stretch: float = 1.0) -> Jacobian:
    r"""The Jacobian :math:`J = \partial y / \partial x` over all axes but the replicate, by products alone.

    J v comes by forward mode, J^T u by reverse mode: both exact, at the cost of one and two passes through what lies
    between x and y, at any width and of kets.

    Args:
        space: of the program.
        y: a vector of the program, shape (replicate, ..., coordinate).
        x: an earlier one that requires a gradient, of the same layout.
        stretch: how many coordinates y has in the network for one of x: the ratio of their widths. Of kets, where both
            have as many samples, the transpose depends on it; at finite width it has no influence.

    Returns:
        The operator; it keeps the graph of the program alive.

    Raises:
        ProgramError: one of the two does not require a gradient.

    Source:
        TP3 (2009.10685): what Jacobians do to vectors is part of a program, and so are their spectral moments.
    """
    if not (x.requires_grad and y.requires_grad):
        message = "jacobian: x and y must be vectors of the program that require a gradient; let x require one before"
        raise ProgramError(message)
    return Jacobian(space, y, x, stretch=stretch)
