"""The experiment ``interpolation``: a scalar of the program while Gaussian entries turn into those of another law."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.networks import preactivations
from widthwise.experiments.options import Interpolation
from widthwise.models import activation
from widthwise.spaces import Space


def interpolation(options: Interpolation) -> Experiment:
    r"""dc/dt of :math:`c = avg(\phi(h_L)^2)` along :math:`\cos(\pi t/2) A + \sin(\pi t/2) B` (NGTP 5.1).

    A is Gaussian and B of the law; the root mean square of dc/dt falls like n^-1/2 uniformly in t.
    """
    times = tuple(np.linspace(0, 1, options.times).tolist())

    def measure(space: Space) -> Mapping[str, Tensor]:
        return {"rate": torch.stack([_rate(space, options, time) for time in times], -1)}

    def exact() -> Mapping[str, np.ndarray]:
        return {"rate": np.zeros(options.times)}

    readout = Readout(
        name="rate",
        dims=("time",),
        shape=(options.times,),
        coords={"time": times},
        long_name="rate of change along the interpolation",
        description="dc/dt at every time; 0 in the limit",
        source="NGTP 5.1",
        scale=1.0,
    )
    return Experiment(
        name="interpolation",
        readouts=(readout,),
        measure=measure,
        exact=exact if options.law != "orthogonal" else None,
    )


def _rate(space: Space, options: Interpolation, time: float) -> Tensor:
    phi = activation(options.activation).function
    t = torch.full((space.replicates, 1, 1), time, dtype=space.dtype, device=space.device, requires_grad=True)
    hs = preactivations(
        options.program, options.depth, phi, space.vector(), lambda: space.interpolated(t, law=options.law)
    )
    return space.derivative(space.avg(phi(hs[-1]) ** 2), t)[:, 0, 0]
