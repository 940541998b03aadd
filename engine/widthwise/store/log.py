"""The log: what a driver saw happen, one JSON line an event; nothing is ever resumed from it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from pydantic import JsonValue

from widthwise.errors import StorageError
from widthwise.store.lines import Lines, lines_below
from widthwise.store.paths import RunPath

LOG = "log"
FLUSH_SECONDS = 1.0


class Log:
    """Appends to ``log/<name>.jsonl`` of the run ``path``; a context manager that writes what is left on exit.

    Lines are written by a thread within about a second, so that nothing waits for the storage. Lines that cannot be
    written are lost: a log stops no run.
    """

    def __init__(self, path: RunPath, name: str) -> None:
        """Two live drivers must not share a ``name``."""
        self._lines = Lines(path / LOG, name, sync=False)
        self._waiting: list[bytes] = []
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def record(self, fields: Mapping[str, JsonValue]) -> None:
        """Take in one line; returns at once."""
        self._waiting.append(json.dumps(fields, separators=(",", ":")).encode())

    def close(self) -> None:
        """Write what is left; waits only a moment for a storage that is gone."""
        self._closed.set()
        self._writer.join(FLUSH_SECONDS)

    def _write(self) -> None:
        closed = False
        while not closed:
            closed = self._closed.wait(FLUSH_SECONDS)
            # What is recorded meanwhile goes to the end of the list and waits for its turn.
            lines, count = self._waiting, len(self._waiting)
            due, lines[:count] = tuple(lines[:count]), []
            if due:
                with suppress(StorageError):
                    self._lines.append(*due)


def read_log(path: RunPath) -> Iterator[dict[str, Any]]:
    """Every good line of the logs of the run ``path``, driver by driver, the lines of each in their order."""
    for line in lines_below(path / LOG):
        with suppress(ValueError, RecursionError):
            fields = json.loads(line)
            if isinstance(fields, dict):
                yield fields
