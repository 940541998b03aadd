"""The experiment ``free_independence``: weights are asymptotically free from diagonal matrices that depend on them."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import FreeIndependence
from widthwise.models import activation
from widthwise.spaces import Matrix, Space

WORDS = ("A D", "A D A D", "B D A E", "A D A E A D", "A D C F")
"""Alternating products: A, B and C are centred polynomials of W, the others centred diagonal matrices."""

Operator = Callable[[Tensor], Tensor]


def free_independence(options: FreeIndependence) -> Experiment:
    r"""Normalised traces ``avg(v M v)`` of alternating products M of centred matrices, 0 if they are free (TP3).

    :math:`A = W^T W - 1`, :math:`B = (W^T W)^2 - 2`, :math:`C = W W^T - 1`; D, E and F are the diagonals of
    :math:`\phi(u)`, :math:`\phi(h)` and :math:`\phi(u) \phi(h)` without their means, for vectors :math:`h = W x` and
    :math:`u = W^T \phi(h)` of the same W. The outsiders A, A and C in their place are functions of W just as well, but
    no diagonals of a vector and not free from A and C.
    """

    def measure(space: Space) -> Mapping[str, Tensor]:
        phi = activation(options.activation).function
        w = space.matrix(law=options.law)
        h = w(space.vector())
        letters = _letters(w)
        d, e = phi(w.T(phi(h))), phi(h)
        diagonals = {"D": _diagonal(space, d), "E": _diagonal(space, e), "F": _diagonal(space, d * e)}
        outsiders = {"D": letters["A"], "E": letters["A"], "F": letters["C"]}
        v = space.vector()
        return {"moment": _traces(space, letters | diagonals, v), "outsider": _traces(space, letters | outsiders, v)}

    def exact() -> Mapping[str, np.ndarray]:
        return {"moment": np.zeros(len(WORDS)), "outsider": np.full(len(WORDS), np.nan)}

    return Experiment(
        name="free_independence",
        readouts=(
            _readout("moment", "trace of the word, 0 in the limit by free independence", scale=1.0),
            _readout(
                "outsider", "trace of the word with A for D and E and C for F, which are not free: not 0", scale=None
            ),
        ),
        measure=measure,
        exact=exact if options.law != "orthogonal" else None,
    )


def _letters(w: Matrix) -> dict[str, Operator]:
    def square(x: Tensor) -> Tensor:
        return w.T(w(x))

    return {"A": lambda x: square(x) - x, "B": lambda x: square(square(x)) - 2 * x, "C": lambda x: w(w.T(x)) - x}


def _diagonal(space: Space, d: Tensor) -> Operator:
    centred = d - space.avg(d)[..., None]
    return lambda x: centred * x


def _traces(space: Space, letters: Mapping[str, Operator], v: Tensor) -> Tensor:
    return torch.cat([_trace(space, [letters[letter] for letter in word.split()], v) for word in WORDS], -1)


def _trace(space: Space, operators: list[Operator], v: Tensor) -> Tensor:
    x = v
    for operator in reversed(operators):
        x = operator(x)
    return space.avg(v * x)


def _readout(name: str, description: str, scale: float | None) -> Readout:
    return Readout(
        name=name,
        dims=("word",),
        shape=(len(WORDS),),
        coords={"word": WORDS},
        long_name="mixed moment",
        description=description,
        source="TP3 (2009.10685)",
        scale=scale,
    )
