"""Need: the processors and the part of a GPU that one worker takes, and how many of them a node holds."""

from collections.abc import Mapping
from dataclasses import dataclass

from widthwise.spec import Numerics

_ROUNDING = 1e-4
"""Ray counts fractions in steps of this size."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """Logical resources of Ray: whole CPUs, and at most one GPU."""

    cpus: int
    gpus: float = 0.0

    def fit(self, resources: Mapping[str, float]) -> int:
        """How many workers these resources are enough for."""
        count = int((resources.get("CPU", 0.0) + _ROUNDING) // self.cpus)
        if not self.gpus:
            return count
        on_one = int(1 / (self.gpus - _ROUNDING))  # a worker has its part of one GPU, never of two
        gpus = resources.get("GPU", 0.0) + _ROUNDING
        return min(count, int(gpus) * on_one + int(gpus % 1 / self.gpus))


def need_of(numerics: Numerics, gpus_per_worker: float) -> Need:
    """What a worker of a run takes."""
    return Need(cpus=numerics.threads, gpus=gpus_per_worker if numerics.device == "cuda" else 0.0)
