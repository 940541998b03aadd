"""LockObject: the lock as an object; whoever changes it must have seen it as it is, which the store checks."""

import secrets
from contextlib import suppress
from dataclasses import replace

from widthwise.errors import StorageError
from widthwise.store.objects import ObjectPath, Version
from widthwise.store.owner import Owner, decode_owner, encode_owner, is_alive


class LockObject:
    """See `widthwise.store.lock.Holding`. Every heartbeat puts the object again, with another count."""

    def __init__(self, file: ObjectPath) -> None:
        self._file = file
        self._me: Owner | None = None

    def take(self, me: Owner) -> Owner | None:
        """See `Holding`."""
        while True:
            there = self._file.version()
            owner = None if there is None else decode_owner(there.data)
            if owner is not None and owner.token == me.token:
                self._me = me  # our own put, whose reply was lost
                return None
            if there is not None and owner is not None and is_alive(owner, self._silence(there)):
                return owner
            if self._file.replace(encode_owner(me), there):
                self._me = me
                return None

    def beat(self) -> None:
        """See `Holding`."""
        with suppress(StorageError):
            there = self._file.version()
            if there is not None and self._me is not None and self._is_mine(there):
                self._me = replace(self._me, beats=self._me.beats + 1)
                self._file.replace(encode_owner(self._me), there)

    def release(self) -> None:
        """See `Holding`."""
        with suppress(StorageError):
            there = self._file.version()
            if there is not None and self._is_mine(there):
                self._file.unlink()

    def _is_mine(self, there: Version) -> bool:
        owner = decode_owner(there.data)
        return owner is not None and self._me is not None and owner.token == self._me.token

    def _silence(self, there: Version) -> float:
        """Seconds since the last heartbeat by the clock of the store, which dates a small object that is put now."""
        probe = self._file.with_name(f".{self._file.name}.{secrets.token_hex(6)}.partial")
        probe.write_bytes(b"")
        now = probe.version()
        probe.unlink()
        return 0.0 if now is None else now.modified - there.modified
