"""``widthwise doctor``: what this machine offers, and what is missing."""

import os
import platform
from importlib import metadata
from typing import Annotated

from rich.table import Table
from typer import Option

from widthwise_cli.output import print_json, print_result

PACKAGES = ("widthwise", "numpy", "torch", "scipy", "ray", "zarr", "xarray")


def doctor(json: Annotated[bool, Option("--json", help="Print the result for machines.")] = False) -> None:
    """Say what this machine offers and what is missing."""
    found = _packages() | _machine()
    missing = _missing()
    if json:
        print_json({"found": found, "missing": missing})
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in found.items():
        table.add_row(name, value)
    for name, remedy in missing.items():
        table.add_row(f"missing: {name}", remedy)
    print_result(table)


def _packages() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: _version(name) or "not installed" for name in PACKAGES}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _machine() -> dict[str, str]:
    import torch

    from widthwise.plan import readable_bytes, usable_bytes

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "platform": platform.platform(terse=True),
        "cpus": str(len(os.sched_getaffinity(0))),
        "cpu capability": torch.backends.cpu.get_cpu_capability(),
        "memory for tensors": readable_bytes(usable_bytes()),
        "gpus": ", ".join(gpus) or "none",
    }


def _missing() -> dict[str, str]:
    """What a run may miss, and the remedy."""
    missing: dict[str, str] = {}
    if _version("scikit-learn") is None:
        missing["digits"] = 'pip install "widthwise[data]" for data.source = "digits"'
    if not os.access(os.curdir, os.W_OK):
        missing["writable directory"] = "change to a directory of yours, or give --out"
    return missing
