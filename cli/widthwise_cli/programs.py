"""``--program module:function``: code that the command line, and nothing else, may bring in."""

import importlib
import sys
from pathlib import Path

from widthwise.errors import SpecError


def register(text: str) -> str:
    """Import a user's function, from the current directory too, and make it an experiment; gives its name.

    Raises:
        SpecError: it is not of the form module:function, or there is no such module or function.
    """
    from widthwise.experiments import register_program  # --help does not wait for it

    module_name, _, name = text.partition(":")
    if not (name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        message = f"--program {text}: is not of the form module:function, for example my_networks:two_layers"
        raise SpecError(message)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        message = f"--program {text}: {error}; modules are looked for in {Path.cwd()} and where Python looks"
        raise SpecError(message) from error
    except Exception as error:
        message = f"--program {text}: importing {module_name} raises {type(error).__name__}: {error}"
        raise SpecError(message) from error
    if not hasattr(module, name):
        message = f"--program {text}: {module_name} has no {name}"
        raise SpecError(message)
    return register_program(getattr(module, name), text)
