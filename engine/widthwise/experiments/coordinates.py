"""The experiment ``master_theorem``: laws of the coordinates of all vectors of a program against those of its kets."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.networks import preactivations
from widthwise.experiments.options import MasterTheorem
from widthwise.experiments.quantiles import quantiles
from widthwise.models import activation
from widthwise.randomness import DATA, numpy_generator
from widthwise.spaces import Space, gathered

DIRECTIONS = 16
"""Linear combinations of all vectors whose law is measured: fixed, and evenly spread at random."""


def master_theorem(options: MasterTheorem) -> Experiment:
    """Preactivations and their error signals: each law alone, and combinations of all (TP4b 2.6.11 and 4.8.2).

    The error signals are those of ``avg(v phi(h))`` with an independent v; they use the same matrices again.
    """
    names = tuple(f"{kind}{layer}" for kind in ("h", "dh") for layer in range(1, options.depth + 1))
    directions = _directions(len(names))

    def measure(space: Space) -> Mapping[str, Tensor]:
        phi = activation(options.activation).function
        z = space.vector()
        hs = preactivations(options.program, options.depth, phi, z, lambda: space.matrix(law=options.law))
        signals, _ = space.backprop(space.avg(space.vector() * phi(hs[-1])), *hs)
        here = torch.cat([*hs, *signals], 1).detach()
        vectors = gathered(here, here.shape[-1])
        return {
            "coordinates": quantiles(vectors, "tails", options.quantiles),
            "slices": quantiles(directions.to(vectors) @ vectors, "tails", options.quantiles),
        }

    return Experiment(
        name="master_theorem",
        readouts=(
            _readout(
                "coordinates", "vector", names, options.quantiles, "quantile function of each vector's coordinates"
            ),
            _readout(
                "slices",
                "direction",
                tuple(range(DIRECTIONS)),
                options.quantiles,
                "quantile functions of fixed linear combinations of all vectors, for the sliced distance",
            ),
        ),
        measure=measure,
    )


def _directions(vectors: int) -> Tensor:
    """Unit vectors, shape (direction, vector), always the same."""
    rows = numpy_generator(0, DATA, vectors).standard_normal((DIRECTIONS, vectors))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _readout(name: str, dim: str, values: tuple[int | str, ...], cells: int, description: str) -> Readout:
    return Readout(
        name=name,
        dims=(dim, "quantile"),
        shape=(len(values), cells),
        coords={dim: values},
        law="tails",
        long_name=f"law of {name}",
        description=description,
        source="TP4b 2.6.11 and 4.8.2",
    )
