"""Canary: a fingerprint of the arithmetic of a process; every worker compares its own with the one of the run.

Bits depend on library versions, thread count, device class and CPU instruction set. Three short computations, each
through a different part of the libraries, show a difference before it gets into a store.
"""

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
import torch

from widthwise.errors import ClusterError, IdentityError
from widthwise.randomness import DATA, FINITE, numpy_generator, torch_generator
from widthwise.run.threads import torch_threads

# Odd, so that the tail of a vectorised loop takes part; sums are above the size at which threads share the work.
_ROWS, _COLUMNS = 64, 257


def canary(*, device: str, threads: int) -> dict[str, str]:
    """Versions, device class, threads, and the hash of draws, of a forward pass with its gradient, and of sums.

    Raises:
        ClusterError: this process has no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        message = "numerics.device: 'cuda', but no GPU is visible; run where there is one, or --set numerics.device=cpu"
        raise ClusterError(message)
    with torch_threads(threads):
        hashes = {name: _digest(compute(torch.device(device))) for name, compute in _PROBES.items()}
    versions = {"numpy": np.__version__, "torch": torch.__version__}
    return {**versions, "device": device, "threads": str(threads), **hashes}


def check_canary(expected: Mapping[str, object], found: Mapping[str, str]) -> None:
    """Compare the canary of a run with that of a process.

    Raises:
        IdentityError: they differ; says in what.
    """
    keys = sorted({*expected, *found})
    differing = [
        f"{key}: {expected.get(key, 'nothing')} in the run, {found.get(key, 'nothing')} here"
        for key in keys
        if expected.get(key) != found.get(key)
    ]
    if differing:
        message = (
            f"the numeric environment differs from that of the run ({'; '.join(differing)}), so the bits of new blocks "
            "would; restore it, or add --allow-mixed to go on with statistically equivalent blocks"
        )
        raise IdentityError(message)


def _draws(device: torch.device) -> torch.Tensor:
    numbers = numpy_generator(0, DATA).standard_normal(_COLUMNS)
    normals = torch.randn(_ROWS, _COLUMNS, generator=torch_generator(device, 0, FINITE), device=device)
    return torch.cat([normals.double().flatten(), torch.from_numpy(numbers).to(device)])


def _forward(device: torch.device) -> torch.Tensor:
    x = _ramp(device).requires_grad_()
    weights = _ramp(device).T / _COLUMNS
    output = torch.erf(torch.tanh(x @ weights) @ weights.T)
    (gradient,) = torch.autograd.grad(output.square().sum(), x)
    return torch.cat([output.detach().flatten(), gradient.flatten()])


def _reduction(device: torch.device) -> torch.Tensor:
    x = _ramp(device).repeat(8, 4)
    return torch.stack([x.sum(), x.mean(-1).square().sum(), torch.linalg.vector_norm(x)])


def _ramp(device: torch.device) -> torch.Tensor:
    """Numbers in (-1, 1) from exact integer arithmetic: the same input for every environment."""
    integers = torch.arange(_ROWS * _COLUMNS, device=device) * 7919 % 65536
    return (integers.to(torch.float32) / 32768 - 1).reshape(_ROWS, _COLUMNS)


def _digest(values: torch.Tensor) -> str:
    return hashlib.sha256(values.cpu().numpy().tobytes()).hexdigest()[:16]


_PROBES: Mapping[str, Callable[[torch.device], torch.Tensor]] = {
    "draws": _draws,
    "forward": _forward,
    "reduction": _reduction,
}
