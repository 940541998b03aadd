"""Programs of users: any function of a Space that returns named readouts is an experiment.

This file knows their names and code only. No spec can bring a program in: the command line or Python must.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from widthwise.sources import source_of

if TYPE_CHECKING:
    from torch import Tensor

    from widthwise.spaces import Space

    Function = Callable[[Space], Mapping[str, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A function ``space -> {readout: tensor (replicate, ...)}``; its code belongs to the identity of a run."""

    name: str
    function: "Function"
    source: str


_REGISTERED: dict[str, Program] = {}


def register_program(function: "Function", name: str | None = None) -> str:
    """Make a function of a Space an experiment of this process and the workers it starts.

    Args:
        function: takes a Space, returns named readouts of shape (replicate, ...), the same at every width.
        name: what ``experiment`` of a spec says; ``module:function`` by default.

    Returns:
        The name.
    """
    module = getattr(function, "__module__", "__main__")
    name = name or f"{module}:{getattr(function, '__qualname__', type(function).__name__)}"
    adopt_programs([Program(name=name, function=function, source=_source(function, module))])
    return name


def programs() -> Mapping[str, Program]:
    """The registered programs by name."""
    return _REGISTERED


def adopt_programs(registered: Iterable[Program]) -> None:
    """Make programs known that another process registered."""
    _REGISTERED.update({each.name: each for each in registered})


def _source(function: "Function", module: str) -> str:
    """The code of the whole module, since a function may call its neighbours; of the function alone at a prompt."""
    try:
        return inspect.getsource(sys.modules[module])
    except (KeyError, OSError, TypeError):
        return source_of(function)
