"""The experiments ``semicircle`` and ``marchenko_pastur``: eigenvalue laws by programs, and of real matrices."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import MarchenkoPastur, Semicircle
from widthwise.experiments.quantiles import quantiles
from widthwise.spaces import Space
from widthwise.theory import (
    marchenko_pastur_moments,
    marchenko_pastur_quantiles,
    semicircle_moments,
    semicircle_quantiles,
)

WIDEST_SPECTRUM = 2048
"""Width up to which all eigenvalues are computed."""

CELLS = 8192
"""Quantiles of a spectrum: several for each eigenvalue, which is nearer to its place than to its neighbours."""

SOURCE = "TP3 (2009.10685)"


def semicircle(options: Semicircle) -> Experiment:
    r"""Moments ``avg(v A^k v)`` of :math:`A = (W + W^T) / \sqrt 2`: Catalan numbers in the limit (TP3)."""

    def measure(space: Space) -> Mapping[str, Tensor]:
        matrix = space.matrix(law=options.law)
        moments = _moments(space, space.vector(), options.orders, lambda x: (matrix(x) + matrix.T(x)) / 2**0.5)
        return {"moment": moments, "spectrum": _spectrum(space, options.law, 1.0, lambda w: (w + w.mT) / 2**0.5)}

    def exact() -> Mapping[str, np.ndarray]:
        return {"moment": semicircle_moments(options.orders), "spectrum": semicircle_quantiles(CELLS)}

    return Experiment(
        name="semicircle",
        readouts=_readouts(options.orders, "A = (W + W^T) / sqrt 2", "Catalan(k/2) for even k, 0 for odd k"),
        measure=measure,
        exact=exact if options.law != "orthogonal" else None,
    )


def marchenko_pastur(options: MarchenkoPastur) -> Experiment:
    r"""Moments ``avg(v (W W^T)^k v)`` of a W of ``ratio`` n rows and n columns: Narayana sums in the limit (TP3)."""

    def measure(space: Space) -> Mapping[str, Tensor]:
        rows = space.dim("rows", options.ratio)
        matrix = space.matrix(rows, law=options.law)
        moments = _moments(space, space.vector(rows), options.orders, lambda x: matrix(matrix.T(x)))
        return {"moment": moments, "spectrum": _spectrum(space, options.law, options.ratio, lambda w: w @ w.mT)}

    def exact() -> Mapping[str, np.ndarray]:
        return {
            "moment": marchenko_pastur_moments(options.ratio, options.orders),
            "spectrum": marchenko_pastur_quantiles(options.ratio, CELLS),
        }

    return Experiment(
        name="marchenko_pastur",
        readouts=_readouts(options.orders, "A = W W^T", "sum over r of ratio^r Narayana(k, r + 1)"),
        measure=measure,
        exact=exact if options.law != "orthogonal" else None,
    )


def _moments(space: Space, v: Tensor, orders: int, multiply: Callable[[Tensor], Tensor]) -> Tensor:
    """``avg(v A^k v)`` for k = 1, ..., orders and a symmetric A, from half as many products."""
    powers = [v]
    for _ in range((orders + 1) // 2):
        powers.append(multiply(powers[-1]))
    products = [space.gram(powers[k // 2], powers[k - k // 2]) for k in range(1, orders + 1)]
    return torch.cat(products, -1)[:, 0]


def _spectrum(space: Space, law: str, ratio: float, symmetric: Callable[[Tensor], Tensor]) -> Tensor:
    """Quantiles of the eigenvalues of a fresh matrix; NaN where there are too many, and in the limit."""
    if space.width is None or space.width * max(1.0, ratio) > WIDEST_SPECTRUM:
        return torch.full((space.replicates, CELLS), torch.nan, dtype=torch.float64)
    matrix = space.matrix(space.dim("rows", ratio), law=law, held="dense" if law != "orthogonal" else None)
    with torch.no_grad():
        return quantiles(torch.linalg.eigvalsh(symmetric(space.entries(matrix))), "even", CELLS)


def _readouts(orders: int, matrix: str, limit: str) -> tuple[Readout, ...]:
    moment = Readout(
        name="moment",
        dims=("order",),
        shape=(orders,),
        coords={"order": tuple(range(1, orders + 1))},
        long_name="moment",
        description=f"avg(v A^k v) of {matrix} with a random vector v; in the limit {limit}",
        source=SOURCE,
    )
    spectrum = Readout(
        name="spectrum",
        dims=("quantile",),
        shape=(CELLS,),
        law="even",
        long_name="law of the eigenvalues",
        description=f"quantile function of the eigenvalues of {matrix}, up to width {WIDEST_SPECTRUM}; no ket has one",
        source=SOURCE,
        expected_slopes={},
    )
    return (moment, spectrum)
