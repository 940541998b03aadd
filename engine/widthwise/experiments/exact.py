"""The exact limit of a network as experiments give it: worked out where it is asked for, not in every block."""

from collections.abc import Callable, Mapping

import numpy as np

from widthwise.models import Architecture
from widthwise.theory import Propagation

Exact = Callable[[], Mapping[str, np.ndarray]]


def exact_limit(
    model: Architecture, inputs: np.ndarray, readouts: Callable[[Propagation], Mapping[str, np.ndarray]]
) -> Exact | None:
    """What ``Experiment.exact`` is for readouts of the covariances of a network; None where these are not known.

    Whether they are does not depend on how many inputs there are: one is enough to see it.

    Raises:
        SpecError: the features cannot be read as the positions that the network has.
    """
    if model.propagation(inputs[:1]) is None:
        return None

    def exact() -> Mapping[str, np.ndarray]:
        propagation = model.propagation(inputs)
        assert propagation is not None
        return readouts(propagation)

    return exact
