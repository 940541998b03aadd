"""The journal: one line per stored block, appended by the worker that wrote it."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from widthwise.plan.units import Block
from widthwise.store.lines import Lines, lines_below
from widthwise.store.paths import RunPath

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


class Journal:
    """Appends to the journal of the run ``path``; two live workers must not share a name."""

    def __init__(self, path: RunPath, worker: str) -> None:
        self._worker = worker
        self._lines = Lines(path / JOURNAL, worker, sync=True)

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
            worker=self._worker,
            recorded=time.time(),
        )
        self.add([entry])

    def add(self, entries: Sequence[Entry]) -> None:
        """Append lines of blocks that were recorded elsewhere before, and sync them.

        Raises:
            StorageError: they could not be written.
        """
        if entries:
            self._lines.append(*(_ENTRIES.dump_json(entry) for entry in entries))


def read_journal(path: RunPath) -> dict[Block, Entry]:
    """The last good line of every block, over all workers; unreadable lines are ignored."""
    last: dict[Block, Entry] = {}
    for entry in entries(path):
        if entry.block not in last or last[entry.block].recorded <= entry.recorded:
            last[entry.block] = entry
    return last


def entries(path: RunPath) -> Iterator[Entry]:
    """All good lines of the run ``path``, one at a time and in no order."""
    for line in lines_below(path / JOURNAL):
        try:
            yield _ENTRIES.validate_json(line, strict=True)
        except ValidationError:
            continue  # half-written by a killed worker, or damaged: its block is computed again
