"""Owner: which process holds a lock, and whether it still lives."""

import os
import secrets
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

STALE_SECONDS = 60.0
_UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, and since when it holds the lock; a pid is used again, so it counts only with its ``started``.

    ``token`` tells two locks of one process apart, ``beats`` counts heartbeats.
    """

    host: str
    pid: int
    started: str
    since: str
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    beats: int = 0


_OWNERS = TypeAdapter(Owner)


def this_process() -> Owner:
    """The owner that this process is."""
    return Owner(
        host=socket.gethostname(),
        pid=os.getpid(),
        started=start_of(os.getpid()),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def encode_owner(owner: Owner) -> bytes:
    """The content of a lock."""
    return _OWNERS.dump_json(owner)


def decode_owner(data: bytes) -> Owner | None:
    """The owner that a lock names; None if it is new or was cut short: nobody works under such a lock."""
    try:
        return _OWNERS.validate_json(data)
    except ValidationError:
        return None


def is_alive(owner: Owner, silent_seconds: float) -> bool:
    """Whether ``owner`` still works; one of another host by its heartbeats, one of this host by its process."""
    if owner.host != socket.gethostname():
        return silent_seconds < STALE_SECONDS
    return start_of(owner.pid) in {owner.started, _UNKNOWN}


def start_of(pid: int) -> str:
    """Start of a process in the kernel's own count, ``unknown`` where the kernel does not tell, empty if it is dead."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _UNKNOWN if _answers(pid) else ""
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else start  # a killed process stays a zombie until its parent looks


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
