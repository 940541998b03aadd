"""The experiment ``free_independence``: weights are asymptotically free from diagonal matrices that depend on them."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import FreeIndependence
from widthwise.experiments.words import diagonal, letters, traces
from widthwise.models import activation
from widthwise.spaces import Space

WORDS = ("A D", "A D A D", "B D A E", "A D A E A D", "A D C F")
"""Alternating products: A, B and C are centred polynomials of W, the others centred diagonal matrices."""


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
        known = letters(w)
        d, e = phi(w.T(phi(h))), phi(h)
        diagonals = {"D": diagonal(space, d), "E": diagonal(space, e), "F": diagonal(space, d * e)}
        outsiders = {"D": known["A"], "E": known["A"], "F": known["C"]}
        v = space.vector()
        moments, others = (traces(space, known | each, WORDS, v) for each in (diagonals, outsiders))
        return {"moment": moments, "outsider": others}

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
