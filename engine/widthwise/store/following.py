"""Follower: the lines that come to the journal or the log of a run while somebody watches, each read once."""

import time
from collections.abc import Iterator
from pathlib import Path

from widthwise.store.files import disk_errors, files_below, read_file
from widthwise.store.lines import SEGMENT_LINES
from widthwise.store.lock import LOCK
from widthwise.store.objects import ObjectPath
from widthwise.store.owner import Owner, decode_owner, is_alive
from widthwise.store.paths import RunPath


class Follower:
    """Remembers how far every file below ``folder`` was read, and writes nothing."""

    def __init__(self, folder: RunPath) -> None:
        self._folder = folder
        self._read: dict[str, int] = {}

    def new(self) -> Iterator[bytes]:
        """The whole lines that were not there at the call before, file by file in the order of names.

        Raises:
            StorageError: the folder cannot be read.
        """
        for key, file in files_below(self._folder).items():
            if key.endswith(".jsonl"):
                yield from self._of_object(key, file) if isinstance(file, ObjectPath) else self._of_file(key, file)

    def _of_file(self, key: str, file: Path) -> Iterator[bytes]:
        start = self._read.get(key, 0)
        with disk_errors(file), file.open("rb") as opened:
            opened.seek(start)
            for line in opened:
                if not line.endswith(b"\n"):
                    return  # its writer is in the middle of it
                start += len(line)
                self._read[key] = start
                yield line

    def _of_object(self, key: str, file: ObjectPath) -> Iterator[bytes]:
        seen = self._read.get(key, 0)
        if seen >= SEGMENT_LINES:
            return  # a full segment never changes
        lines = (read_file(file) or b"").splitlines()
        self._read[key] = len(lines)
        yield from lines[seen:]


def driver_of(path: RunPath) -> Owner | None:
    """The process that writes the run ``path`` now, as far as its lock tells; nothing is touched."""
    file = path / LOCK
    data = read_file(file)
    owner = decode_owner(data) if data is not None else None
    if owner is None:
        return None
    if isinstance(file, ObjectPath):
        there = file.version()
        beat = there.modified if there is not None else 0.0
    else:
        beat = file.stat().st_mtime if file.exists() else 0.0
    return owner if is_alive(owner, time.time() - beat) else None
