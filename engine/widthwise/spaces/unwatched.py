"""Instructions of the language are their own affair: `whole` looks only at what a program does between them."""

from contextlib import AbstractContextManager

import torch


def unwatched() -> AbstractContextManager[object]:
    """Within, operations of torch pass by its dispatch modes, which take several times the time of a small one."""
    return torch._C._DisableTorchDispatch()
