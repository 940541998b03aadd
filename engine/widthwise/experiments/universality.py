"""The experiment ``universality``: kernels of a network with entries of other laws, and of its Gaussian twin."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment
from widthwise.experiments.kernels import kernels, mean_gram, nngp_readout, ntk_readout
from widthwise.models import Architecture
from widthwise.spaces import Space

SOURCE = "NGTP, theorem 4.1"

Kernels = Mapping[str, Tensor]


def universality(model: Architecture, inputs: np.ndarray) -> Experiment:
    r"""Kernels K of the network, and their shift :math:`(K - K^G) / |K^G|` from an independent all-Gaussian twin.

    The law of the matrices must not matter: with Gaussian vectors the shift vanishes, its root mean square like n^-1/2
    and its mean like 1/n. That of the vectors does matter: the shift then has a limit of its own.
    """
    constants = torch.from_numpy(inputs)
    twin = model.model_copy(update={"law": "gaussian", "vector_law": "gaussian"})

    def measure(space: Space) -> Mapping[str, Tensor]:
        own, gaussian = (_kernels(space, each, constants) for each in (model, twin))
        return {**own, **{f"{name}_shift": _shift(own[name], gaussian[name]) for name in own}}

    count = len(inputs)
    readouts = (nngp_readout(count), ntk_readout(count))[: 1 if model.no_tangent_kernel else 2]
    shifts = tuple(
        replace(
            each,
            name=f"{each.name}_shift",
            long_name=f"shift of the {each.long_name}",
            description="difference from an independent all-Gaussian network, relative to the norm of its kernel",
            source=SOURCE,
            scale=1.0,
            profile="width",
        )
        for each in readouts
    )
    return Experiment(
        name="universality", readouts=(*readouts, *shifts), measure=measure, exact=_exact(model, inputs, len(readouts))
    )


def _kernels(space: Space, model: Architecture, constants: Tensor) -> Kernels:
    if model.no_tangent_kernel:
        with torch.no_grad():
            return {"nngp": mean_gram(space, model(space, constants))}
    return dict(zip(("nngp", "ntk"), kernels(model.initial(space), model(space, constants)), strict=True))


def _shift(kernel: Tensor, twin: Tensor) -> Tensor:
    return (kernel - twin) / torch.linalg.matrix_norm(twin)[:, None, None]


def _exact(model: Architecture, inputs: np.ndarray, count: int) -> Callable[[], Mapping[str, np.ndarray]] | None:
    """No shift, and the kernels where they are known; nothing where the law of the vectors decides them."""
    if model.vector_law != "gaussian" or model.law == "orthogonal":
        return None
    shape = (len(inputs), len(inputs))

    def exact() -> Mapping[str, np.ndarray]:
        propagation = model.propagation(inputs)
        known = propagation.kernels() if propagation else (np.full(shape, np.nan),) * 2
        names = ("nngp", "ntk")[:count]
        return {**dict(zip(names, known, strict=False)), **{f"{name}_shift": np.zeros(shape) for name in names}}

    return exact
