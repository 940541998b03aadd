"""Patience: a store that is gone for a while is tried again, with exponential back-off and jitter."""

import errno
import secrets
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 300.0
"""So long an operation is tried again before it fails; the run can then be resumed."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 15.0

_TRANSIENT = frozenset(
    {
        errno.EAGAIN,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
"""What a network file system says while its server is away; a full disk and a missing permission do not pass."""

_Result = TypeVar("_Result")


def patiently(action: Callable[[], _Result], seconds: float | None = None) -> _Result:
    """The result of ``action``, which is safe to repeat, tried again while it raises a transient OSError.

    Raises:
        OSError: one that does not pass, or still the same one after ``seconds`` (by default PATIENCE_SECONDS).
    """
    end = time.monotonic() + (PATIENCE_SECONDS if seconds is None else seconds)
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return action()
        except OSError as error:
            if error.errno not in _TRANSIENT or time.monotonic() >= end:
                raise
        time.sleep(pause * secrets.SystemRandom().uniform(0.5, 1.0))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
