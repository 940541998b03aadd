"""Interrupts: SIGINT and SIGTERM while a run is going on; the first stops it in order, the second at once."""

import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from widthwise.errors import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATIENCE_SECONDS = 2.5
"""How long the command waits after a signal for what must not be cut short."""


class Interrupts:
    """Context manager that answers signals with `InterruptedRunError`, raised where the main thread is.

    Within `deferred` the first signal is only noted in ``error``, for a loop that looks there often; where a command
    tells its ``resume_command``, the process ends if nobody has looked within `PATIENCE_SECONDS` (Ray may be starting).
    Everything finished is on the disk and what is half-written is swept by the next run, so that stopping needs no
    clean-up. Outside of the main thread signals cannot be caught and nothing changes.
    """

    def __init__(self, resume_command: str | None) -> None:
        self.error: InterruptedRunError | None = None
        self._resume = resume_command or "the same call again"
        self._watchdog = threading.Timer(PATIENCE_SECONDS, self._leave) if resume_command else None
        self._deferred = False
        self._found: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._found = {number: signal.getsignal(number) for number in _SIGNALS}
            self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        for number, handler in self._found.items():
            signal.signal(number, handler)

    def install(self) -> None:
        """Take the signals, also from a library that took them after entry (Ray does, to print where it is)."""
        for number in self._found:
            signal.signal(number, self._handle)

    @contextmanager
    def deferred(self) -> Generator[None]:
        """Note the first signal instead of raising."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.error is not None:
            os._exit(InterruptedRunError.exit_code)
        name = signal.Signals(number).name
        message = f"stopped by {name}; all finished blocks are stored; resume with: {self._resume}"
        self.error = InterruptedRunError(message)
        if not self._deferred:
            raise self.error
        if self._watchdog is not None:
            self._watchdog.daemon = True
            self._watchdog.start()

    def _leave(self) -> None:
        """End this process at once; what Ray has started for it ends with it."""
        sys.stderr.write(f"widthwise: {self.error}\n")
        sys.stderr.flush()
        os._exit(InterruptedRunError.exit_code)
