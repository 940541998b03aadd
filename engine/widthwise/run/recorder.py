"""Recorder: what was said between the coordinator and the workers, one line each in the log of this driver."""

import os
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from widthwise.errors import WidthwiseError
from widthwise.plan.units import Block, Span, Unit
from widthwise.run.messages import Event, Instruction, PlaceOffered, PlaceWithdrawn, Tick, WorkerLost
from widthwise.store import Log, RunPath
from widthwise.store.log import LOG

_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


class Recorder:
    """Context manager over ``log/driver-*.jsonl`` of a run, which ``widthwise top`` and people read."""

    def __init__(self, path: RunPath) -> None:
        # The names of several drivers are in the order of their starts, and no two are the same.
        name = f"driver-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}"
        self.file = path / LOG / f"{name}.jsonl"
        self._log = Log(path, name)
        self._nodes: dict[int, str] = {}

    def __enter__(self) -> Self:
        """Say whose log it is."""
        self._write({"event": "driver_started", "host": socket.gethostname(), "pid": os.getpid()})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how it ended, and write what is still held back."""
        how = f"{type(error).__name__}: {error}" if error is not None else None
        self._write({"event": "driver_ended", "error": how})
        self._log.close()

    def asked(self, spans: Iterable[Span]) -> None:
        """Note how many blocks of each kind the spec asks for."""
        counts: Counter[str] = Counter()
        for span in spans:
            counts[span.kind] += span.count
        for kind, blocks in counts.items():
            self._write({"event": "asked", "kind": kind, "blocks": blocks})

    def record(self, message: Event | Instruction) -> None:
        """Note an event or an instruction; the passing of time is none."""
        if isinstance(message, Tick):
            return
        if isinstance(message, PlaceOffered):
            self._nodes[message.worker] = message.node
        line = described(message)
        worker = line.get("worker")
        if isinstance(worker, int) and worker in self._nodes:
            line["node"] = self._nodes[worker]
        if isinstance(message, PlaceWithdrawn) or (isinstance(message, WorkerLost) and message.place_gone):
            self._nodes.pop(message.worker, None)
        self._write(line)

    def _write(self, line: Mapping[str, JsonValue]) -> None:
        self._log.record({"time": time.time(), **line})


def described(message: Event | Instruction) -> dict[str, JsonValue]:
    """The fields of a message, ``event`` being its name: a unit by its address, a block by its index, errors as text.

    What is not known, and what is not the case, is left out.
    """
    line: dict[str, JsonValue] = {"event": _HUMP.sub("_", type(message).__name__).lower()}
    for each in fields(message):
        value = getattr(message, each.name)
        if isinstance(value, Unit):
            span = value.span
            line |= {"kind": span.kind, "point": span.point, "width": span.width, "first": span.first}
            line |= {"count": span.count, "predicted_seconds": value.seconds, "predicted_bytes": value.bytes}
        elif isinstance(value, Block):
            line["block"] = value.index
        elif isinstance(value, WidthwiseError):
            line["error"] = f"{type(value).__name__}: {value}"
        elif isinstance(value, str | int | float) and value is not False and value != "":
            line[each.name] = value
    return line
