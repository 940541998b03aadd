"""Files of lines that one process appends to and any other reads: the journal and the logs.

On a disk a file is appended to. On an object store, where nothing can be, a worker's lines are in segments, each an
object that is put again whole for every line, until it is full.
"""

import os
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from widthwise.store.files import disk_errors, files_below, read_file, write_all
from widthwise.store.objects import ObjectPath
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath
from widthwise.store.patience import patiently

SEGMENT_LINES = 64
_SUFFIX = ".jsonl"
_PIECE_BYTES = 1 << 20


class Lines:
    """Appends to ``folder/name.jsonl``; two live processes must not share a name."""

    def __init__(self, folder: RunPath, name: str, *, sync: bool) -> None:
        """With ``sync`` a line is safe from a power cut when `append` returns; on an object store it always is."""
        self._folder = folder
        self._name = name
        self._sync = sync
        self._segment: list[bytes] = []
        self._number: int | None = None

    def append(self, *lines: bytes) -> None:
        """Append lines, each without its line break.

        Raises:
            StorageError: they could not be written; all earlier lines are intact.
        """
        if isinstance(self._folder, ObjectPath):
            self._put(self._folder, lines)
            return
        file, data = self._folder / f"{self._name}{_SUFFIX}", b"".join(line + b"\n" for line in lines)
        with disk_errors(file, len(data)):
            patiently(partial(_append, file, data, sync=self._sync))

    def _put(self, folder: ObjectPath, lines: tuple[bytes, ...]) -> None:
        if self._number is None:
            self._number = sum(1 for _ in folder.rglob(f"{self._name}-*{_SUFFIX}"))  # after those of a namesake
        segment = [*self._segment, *lines]
        (folder / f"{self._name}-{self._number:06}{_SUFFIX}").write_bytes(b"".join(line + b"\n" for line in segment))
        full = len(segment) >= SEGMENT_LINES
        self._number, self._segment = (self._number + 1, []) if full else (self._number, segment)


def lines_below(folder: RunPath) -> Iterator[bytes]:
    """Every line of every file below ``folder``, file by file in the order of names; little is in memory at once."""
    files = [file for key, file in files_below(folder).items() if key.endswith(_SUFFIX)]
    if isinstance(folder, ObjectPath):
        return chain.from_iterable((data or b"").splitlines() for data in in_parallel(folder, read_file, files))
    return chain.from_iterable(_lines(file) for file in files if isinstance(file, Path))


def _lines(file: Path) -> Iterator[bytes]:
    begun, start = b"", 0
    while piece := _piece(file, start):
        start += len(piece)
        *whole, begun = (begun + piece).split(b"\n")
        yield from whole
    if begun:
        yield begun


def _piece(file: Path, start: int) -> bytes:
    def read() -> bytes:
        with file.open("rb") as opened:
            opened.seek(start)
            return opened.read(_PIECE_BYTES)

    with disk_errors(file):
        try:
            return patiently(read)
        except FileNotFoundError:
            return b""  # gone between listing and reading


def _append(file: Path, data: bytes, *, sync: bool) -> None:
    os.makedirs(file.parent, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        # A killed worker's half line would swallow this one.
        write_all(handle, data if _at_line_start(handle) else b"\n" + data)
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def _at_line_start(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
