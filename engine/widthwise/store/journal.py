"""The journal: one line per stored block, appended by the worker that wrote it."""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from widthwise.plan.units import Block
from widthwise.store.files import disk_errors, read_file, write_all

JOURNAL = "journal"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line: a block, the sha256 of each of its chunk files, and how it came about.

    ``recorded`` is the time of writing in seconds since 1970.
    """

    block: Block
    chunks: Mapping[str, str]
    seconds: float
    attempt: int
    host: str
    worker: str
    recorded: float


_ENTRIES = TypeAdapter(Entry)


@dataclass(frozen=True)
class Journal:
    """Appends to ``journal/<worker>.jsonl`` of the run ``path``; two live workers must not share a name."""

    path: Path
    worker: str

    def record(self, block: Block, chunks: Mapping[str, str], seconds: float, attempt: int) -> None:
        """Append one line and sync it: from here on the block counts as done.

        Raises:
            StorageError: the line could not be written; the block will be computed again.
        """
        entry = Entry(
            block=block,
            chunks=dict(chunks),
            seconds=seconds,
            attempt=attempt,
            host=socket.gethostname(),
            worker=self.worker,
            recorded=time.time(),
        )
        _append(self.path / JOURNAL / f"{self.worker}.jsonl", _ENTRIES.dump_json(entry) + b"\n")


def read_journal(path: Path) -> dict[Block, Entry]:
    """The last good line of every block, over all workers; unreadable lines are ignored."""
    return {entry.block: entry for entry in entries(path)}


def entries(path: Path) -> list[Entry]:
    """All good lines of the run ``path``, oldest first."""
    files = sorted((path / JOURNAL).glob("*.jsonl"))
    return sorted((entry for file in files for entry in _good_lines(file)), key=lambda entry: entry.recorded)


def _good_lines(file: Path) -> Iterator[Entry]:
    for line in (read_file(file) or b"").splitlines():
        try:
            yield _ENTRIES.validate_json(line, strict=True)
        except ValidationError:
            continue  # half-written by a killed worker, or damaged: its block is computed again


def _append(file: Path, line: bytes) -> None:
    with disk_errors(file, len(line)):
        os.makedirs(file.parent, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            # A killed worker's half line would swallow this one.
            write_all(handle, line if _at_line_start(handle) else b"\n" + line)
            os.fsync(handle)
        finally:
            os.close(handle)


def _at_line_start(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
