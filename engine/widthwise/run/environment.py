"""environment: the versions and the hardware facts that a run records about the process that made it."""

import platform
from importlib.metadata import version

import torch

_PACKAGES = ("numpy", "torch", "scipy", "zarr", "xarray", "ray")


def environment(*, device: str, threads: int) -> dict[str, str]:
    """Python, package versions, instruction set, device and threads; no host name, path or user."""
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in _PACKAGES},
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": _device_name(device),
        "threads": str(threads),
    }


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device
