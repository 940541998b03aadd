"""The code of a user's function as text: it belongs to the identity of a run that calls it."""

import inspect
from collections.abc import Callable
from types import FunctionType


def source_of(function: Callable[..., object]) -> str:
    """Its source; typed at a prompt it has none, but instructions and constants."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        if not isinstance(function, FunctionType):
            return repr(function)
        code = function.__code__
        return repr((code.co_code, code.co_names, code.co_consts))
