"""Interrupts: SIGINT and SIGTERM while a run is going on; the first stops it in order, the second at once."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from widthwise.errors import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATIENCE_SECONDS = 1.7
"""How long the command waits after a signal for what must not be cut short. Ray may hide a signal for a second more."""


class Interrupts:
    """Context manager that answers signals with `InterruptedRunError`, raised where the main thread is.

    Within `deferred` the first signal is only noted in ``error``, for a loop that looks there often. The process of a
    command, which tells its ``resume_command``, ends `PATIENCE_SECONDS` after a signal whatever it is doing then.
    Everything finished is on the disk and what is half-written is swept by the next run, so that stopping needs no
    clean-up. Outside of the main thread signals cannot be caught and nothing changes.
    """

    def __init__(self, resume_command: str | None) -> None:
        self.error: InterruptedRunError | None = None
        self._resume = resume_command or "the same call again"
        self._watch = _Watchdog(self._message) if resume_command else None
        self._deferred = False
        self._found: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._found = {number: signal.getsignal(number) for number in _SIGNALS}
            self.install()
            if self._watch is not None:
                self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._found and self._watch is not None:
            self._watch.stop()
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
        self.error = InterruptedRunError(self._message(number))
        if not self._deferred:
            raise self.error

    def _message(self, number: int) -> str:
        name = signal.Signals(number).name
        return f"stopped by {name}; all finished blocks are stored; resume with: {self._resume}"


class _Watchdog:
    """Ends the process `PATIENCE_SECONDS` after a signal, also while the main thread is deep in a library.

    Python runs a signal's handler between two instructions of the main thread only, but writes the signal's number to
    this file at once. What Ray has started for the process ends with it.
    """

    def __init__(self, message: Callable[[int], str]) -> None:
        self._message = message
        self._over = threading.Event()

    def start(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, daemon=True).start()

    def stop(self) -> None:
        signal.set_wakeup_fd(self._before)
        self._over.set()
        os.close(self._writer)

    def _wait(self) -> None:
        number = next((byte for byte in iter(lambda: os.read(self._reader, 1), b"") if byte[0] in _SIGNALS), None)
        if number is None or self._over.wait(PATIENCE_SECONDS):
            os.close(self._reader)
            return
        sys.stderr.write(f"widthwise: {self._message(number[0])}\n")
        sys.stderr.flush()
        os._exit(InterruptedRunError.exit_code)
