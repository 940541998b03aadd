"""The experiment ``amp``: approximate message passing, whose kets land on state evolution by themselves."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from widthwise.experiments.experiment import Experiment, Readout
from widthwise.experiments.options import AMP
from widthwise.spaces import Space
from widthwise.theory import state_evolution

Denoiser = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Coordinates and their noise level to estimates and derivatives."""


def amp(options: AMP) -> Experiment:
    r"""Recovery of a sparse x from :math:`y = A x + w`, A of delta n rows and entries of variance 1 / rows (TP0, D.8).

    .. math:: x_{t+1} = \eta(A^T z_t + x_t), \qquad
        z_t = y - A x_t + \tfrac1\delta z_{t-1} \, avg(\eta'(A^T z_{t-1} + x_{t-1}))

    from x_0 = 0. The denoiser takes its threshold from the residual, :math:`\hat\tau_t^2 = avg(z_t^2)`; the program is
    told nothing of state evolution.
    """

    def measure(space: Space) -> Mapping[str, Tensor]:
        denoise = _DENOISERS[options.denoiser](options.threshold)
        measurements = space.dim("measurements", options.delta)
        a = space.matrix(measurements, variance=1 / options.delta, law=options.law)
        signal = space.vector(law=f"sparse({options.density!r})") * options.density**0.5
        residual = y = a(signal) + options.noise_variance**0.5 * space.vector(measurements)
        x = torch.zeros_like(signal)
        errors = []
        for step in range(options.steps + 1):
            noisy = a.T(residual) + x
            errors.append(space.avg((noisy - signal) ** 2))
            if step < options.steps:
                level = space.avg(residual**2).sqrt()[..., None]
                x, slope = denoise(noisy, level)
                residual = y - a(x) + residual * space.avg(slope)[..., None] / options.delta
        return {"tau_squared": torch.cat(errors, -1)}

    def exact() -> Mapping[str, np.ndarray]:
        return {
            "tau_squared": state_evolution(
                delta=options.delta,
                noise_variance=options.noise_variance,
                density=options.density,
                denoiser=options.denoiser,
                threshold=options.threshold,
                steps=options.steps,
            )
        }

    readout = Readout(
        name="tau_squared",
        dims=("step",),
        shape=(options.steps + 1,),
        coords={"step": tuple(range(options.steps + 1))},
        long_name="variance of the effective noise",
        description="avg((A^T z_t + x_t - x)^2) at every step; in the limit state evolution's tau_t^2",
        source="TP0 (1902.04760), appendix D.8",
    )
    return Experiment(
        name="amp", readouts=(readout,), measure=measure, exact=exact if options.law != "orthogonal" else None
    )


def _soft_threshold(threshold: float, noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    excess = noisy.abs() - threshold * level
    return noisy.sign() * excess.clamp(min=0), (excess > 0).to(noisy.dtype)


def _tanh(noisy: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    estimate = torch.tanh(noisy)
    return estimate, 1 - estimate**2


_DENOISERS: Mapping[str, Callable[[float], Denoiser]] = {
    "soft_threshold": lambda threshold: partial(_soft_threshold, threshold),
    "tanh": lambda threshold: _tanh,
}
