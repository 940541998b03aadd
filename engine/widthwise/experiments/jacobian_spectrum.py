"""The experiment ``jacobian_spectrum``: the law of the squared singular values of a network's Jacobian."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.errors import SpecError
from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.jacobian_limits import limit_law
from widthwise.experiments.options import JacobianSpectrum
from widthwise.experiments.quantiles import quantiles
from widthwise.experiments.signal_propagation import count_states
from widthwise.experiments.words import diagonal, letters, traces
from widthwise.models import MLP, Architecture
from widthwise.models.layers import wide
from widthwise.spaces import Dim, Matrix, Space, jacobian, lanczos
from widthwise.theory.cells import borders
from widthwise.theory.jacobi import moments_of

MOMENTS = 4

LARGEST_SPECTRUM = 1024
"""Coordinates of a state, over its inputs and positions, up to which all eigenvalues are computed."""

CELLS = 2048
"""Quantiles of a spectrum: two at least for each eigenvalue."""

ON_COLUMNS = ("A D", "A D A D", "B D A E", "A D A E A D")
ON_ROWS = ("C F C F",)

SOURCE = "TP3 (2009.10685)"


def jacobian_spectrum(model: Architecture, inputs: np.ndarray, options: JacobianSpectrum) -> Experiment:
    r"""Eigenvalues of :math:`J^\top J` for :math:`J = \partial h^L / \partial h^1`, from the first state to the last.

    J is one operator over all inputs and positions, its blocks those of single inputs except with batch norm. Lanczos
    from a random v gives the recurrence coefficients ``alpha`` and ``beta`` of their law, at any width and in the
    limit, and its moments :math:`avg(v (J^\top J)^k v) / avg(v v)`; where J is small its singular values are computed,
    those of a network beside. Free probability, which tells the law, needs the network's matrices to be free from its
    diagonal ones: ``freeness`` are mixed moments that vanish then, of the first wide matrix W that the network uses.

    Raises:
        SpecError: the network has one state only, or the features cannot be read as its positions.

    Source:
        TP3 (2009.10685); Chhaibi, Daouda and Kahn 2022 (2111.00841); Pennington et al. 2018 (1802.09979).
    """
    constants = torch.from_numpy(inputs)
    _require_two_states(model, constants)
    ratio = model.ratios[0] if isinstance(model, MLP) and model.ratios else 1.0
    orders = min(MOMENTS, 2 * options.steps)

    def measure(space: Space) -> Mapping[str, Tensor]:
        first, *_, last = model.states(space, constants)
        v = _random(space, first, wide(space, ratio))
        freeness = _freeness(space)
        alpha, beta = lanczos(jacobian(space, last, first, stretch=1 / ratio), v, options.steps)
        moments = moments_of(alpha.cpu().numpy(), beta.cpu().numpy(), orders)
        size = max(first[0].numel(), last[0].numel())
        return {
            "alpha": alpha,
            "beta": beta,
            "moment": torch.from_numpy(moments),
            "freeness": freeness,
            "spectrum": _spectrum(space, lambda network: model.states(network, constants), size),
        }

    def exact() -> Mapping[str, np.ndarray]:
        freeness = {"freeness": np.zeros(len(ON_COLUMNS + ON_ROWS))}
        law = limit_law(model, inputs)
        if law is None:
            unknown = {"alpha": options.steps, "beta": options.steps, "moment": orders, "spectrum": CELLS}
            known = {name: np.full(count, np.nan) for name, count in unknown.items()} | freeness
        else:
            alpha, beta = law.recurrence(options.steps)
            known = {"alpha": alpha, "beta": beta, "moment": law.moments(orders), **freeness}
            known["spectrum"] = law.cells(borders("even", CELLS))
        return {readout.name: known[readout.name] for readout in readouts}

    readouts = _readouts(options.steps, orders)
    return Experiment(name="jacobian_spectrum", readouts=readouts, measure=measure, exact=exact)


def _require_two_states(model: Architecture, constants: Tensor) -> None:
    if count_states(model, constants) < 2:
        key = "steps" if "steps" in type(model).model_fields else "depth"
        message = f"model.{key}: 1 leaves a single state and no Jacobian; choose at least 2"
        raise SpecError(message)


def _random(space: Space, x: Tensor, dim: Dim) -> Tensor:
    """A Gaussian initial multi-vector in the shape of x."""
    return space.vectors(x.shape[1:-1].numel(), dim).reshape(x.shape)


def _freeness(space: Space) -> Tensor:
    r"""Traces of words, (replicate, word), at the first input and position where the network uses y = W x.

    The letters A, B and C are polynomials of W; D, E and F the diagonals of tanh of :math:`W^T \tanh(y)`, x and y.
    """
    w, x, y = _first_use(space)
    with torch.set_grad_enabled(space.keeps_graphs):
        vectors = {"D": w.T(torch.tanh(y)), "E": x, "F": y}
        diagonals = {letter: diagonal(space, torch.tanh(vector)) for letter, vector in vectors.items()}
        sides = ((ON_COLUMNS, w.columns), (ON_ROWS, w.rows))
        known = letters(w) | diagonals
        return torch.cat([traces(space, known, words, space.vector(dim)) for words, dim in sides], -1)


def _first_use(space: Space) -> tuple[Matrix, Tensor, Tensor]:
    """Of a matrix that is wide both ways, with one vector each of all that it was applied to and gave."""
    w, use = next((w, use) for w in space.matrices if w.kind == "matrix" for use in w.uses if not use.transposed)
    x, y = (each.reshape(space.replicates, -1, each.shape[-1])[:, :1] for each in (use.x, use.y))
    return w, x, y


def _spectrum(space: Space, states: Callable[[Space], list[Tensor]], size: int) -> Tensor:
    """Quantiles of the eigenvalues of J^T J of one more network; NaN where there are too many, and in the limit."""
    if space.width is None or size > LARGEST_SPECTRUM:
        return torch.full((space.replicates, CELLS), torch.nan, dtype=torch.float64)
    network = space.rehearsal("dense")
    first, *_, last = states(network)
    singular = torch.linalg.svdvals(jacobian(network, last, first).entries())
    missing = first[0].numel() - singular.shape[-1]
    return quantiles(torch.nn.functional.pad(singular**2, (missing, 0)), "even", CELLS)


def _readouts(steps: int, orders: int) -> tuple[Readout, ...]:
    each_step = tuple(range(1, steps + 1))
    words = ON_COLUMNS + ON_ROWS
    return (
        _readout("alpha", "step", each_step, "diagonal of the Jacobi matrix of J^T J, seen from a random vector"),
        _readout("beta", "step", each_step, "what couples a Lanczos vector to the next one"),
        _readout("moment", "order", tuple(range(1, orders + 1)), "avg(v (J^T J)^k v) / avg(v v) with a random v"),
        Readout(
            name="freeness",
            dims=("word",),
            shape=(len(words),),
            coords={"word": words},
            long_name="mixed moment",
            description="trace of an alternating product of centred polynomials of W and diagonals; 0 in the limit",
            source=SOURCE,
            scale=1.0,
        ),
        Readout(
            name="spectrum",
            dims=("quantile",),
            shape=(CELLS,),
            law="even",
            long_name="law of the squared singular values",
            description=f"quantile function of the eigenvalues of J^T J, of up to {LARGEST_SPECTRUM}; no ket has one",
            source=SOURCE,
            expected_slopes={},
        ),
    )


def _readout(name: str, dim: str, numbers: tuple[int, ...], description: str) -> Readout:
    return Readout(
        name=name,
        dims=(dim,),
        shape=(len(numbers),),
        coords={dim: numbers},
        long_name=name if name == "moment" else f"recurrence coefficient {name}",
        description=description,
        source=SOURCE,
    )
