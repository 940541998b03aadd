"""How fast does a wide network approach its infinite-width limit, and what is that limit?"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from widthwise.errors import (
    ClusterError,
    CorruptError,
    IdentityError,
    IncompleteError,
    InterruptedRunError,
    ProgramError,
    SpecError,
    StorageError,
    VerdictError,
    WidthwiseError,
)
from widthwise.version import __version__

if TYPE_CHECKING:
    from widthwise.experiments import register_program as register_program
    from widthwise.experiments.kernels import kernels as kernels
    from widthwise.laws.own import register_law as register_law
    from widthwise.models.functions import register_activation as register_activation
    from widthwise.report.pipeline import open as open
    from widthwise.report.pipeline import reduce as reduce
    from widthwise.report.pipeline import run as run
    from widthwise.spaces import FiniteSpace as FiniteSpace
    from widthwise.spaces import KetSpace as KetSpace
    from widthwise.spaces import check_program as check_program
    from widthwise.spec import Spec as Spec
    from widthwise.spec import load_spec as load_spec
    from widthwise.training.api import train as train
    from widthwise.training.losses import register_loss as register_loss
    from widthwise.training.own import register_optimizer as register_optimizer

# Loaded at first use: torch alone takes longer to import than the command may take to refuse a bad spec.
_HOMES = {
    "FiniteSpace": "widthwise.spaces",
    "KetSpace": "widthwise.spaces",
    "Spec": "widthwise.spec",
    "check_program": "widthwise.spaces",
    "kernels": "widthwise.experiments.kernels",
    "load_spec": "widthwise.spec",
    "open": "widthwise.report.pipeline",
    "reduce": "widthwise.report.pipeline",
    "register_activation": "widthwise.models.functions",
    "register_law": "widthwise.laws.own",
    "register_loss": "widthwise.training.losses",
    "register_optimizer": "widthwise.training.own",
    "register_program": "widthwise.experiments",
    "run": "widthwise.report.pipeline",
    "train": "widthwise.training.api",
}

__all__ = [
    "ClusterError",
    "CorruptError",
    "FiniteSpace",
    "IdentityError",
    "IncompleteError",
    "InterruptedRunError",
    "KetSpace",
    "ProgramError",
    "Spec",
    "SpecError",
    "StorageError",
    "VerdictError",
    "WidthwiseError",
    "__version__",
    "check_program",
    "kernels",
    "load_spec",
    "open",
    "reduce",
    "register_activation",
    "register_law",
    "register_loss",
    "register_optimizer",
    "register_program",
    "run",
    "train",
]


class _Package(ModuleType):
    """This package. The verbs `run` and `reduce` are also the names of subpackages, which must not hide them."""

    def __getattr__(self, name: str) -> object:
        if name not in _HOMES:
            message = f"module 'widthwise' has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(importlib.import_module(_HOMES[name]), name)
        super().__setattr__(name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_HOMES})


sys.modules[__name__].__class__ = _Package
