"""ObjectPath: a place on an object store, with those of pathlib's methods that the store needs.

There are no directories and no renames on an object store: a put is atomic, a "directory" is what keys begin with.
Credentials, region and endpoint come from the environment (AWS_*, GOOGLE_*, AZURE_*), never from a spec.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Self, cast

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import MemoryStore, from_url
from zarr.storage import ObjectStore as ZarrStore
from zarr.storage import StorePath

from widthwise.errors import StorageError
from widthwise.store import patience
from widthwise.store.patience import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS

if TYPE_CHECKING:
    from obstore import PutMode, UpdateVersion
    from obstore.store import ObjectStore

IMPATIENCE_SECONDS = 10.0
"""So long the first contact with a store and a heartbeat may take: a wrong endpoint shows at once."""

_ANSWER_SECONDS = 120.0
_CONNECT_SECONDS = 5.0
_KEYS_PER_DELETE = 1000

_NOT_AUTHORISED = (
    "ExpiredToken",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
    "Missing AccessKeyId",
    "Account must be specified",
    "token request",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
)
"""In messages about credentials that are missing or have expired; an answer of 400 without a body says no more."""

_CREDENTIALS = "set valid credentials (AWS_*, GOOGLE_* or AZURE_* environment variables)"
_AGAIN = "run the same command again"


@dataclass(frozen=True, kw_only=True)
class Version:
    """An object as it was at one moment: a conditional put replaces this one or fails."""

    data: bytes
    e_tag: str | None
    number: str | None
    modified: float


@dataclass(frozen=True, order=True)
class ObjectPath:
    """``root`` is ``s3://bucket``, ``key`` what follows, without slashes at its ends; rebuilt from these anywhere.

    Every method that asks the store raises StorageError if it cannot be reached for PATIENCE_SECONDS, refuses the
    credentials or has no such bucket.
    """

    root: str
    key: str

    def __str__(self) -> str:
        return f"{self.root}/{self.key}" if self.key else self.root

    def __truediv__(self, other: str) -> Self:
        return type(self)(self.root, f"{self.key}/{other}".strip("/"))

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Self:
        """What the key is below of; the root is its own parent."""
        return type(self)(self.root, self.key.rpartition("/")[0])

    def with_name(self, name: str) -> Self:
        """Beside this one."""
        return self.parent / name

    def with_stem(self, stem: str) -> Self:
        """Beside this one, with its suffix."""
        return self.with_name(stem + self.suffix)

    def absolute(self) -> Self:
        """This: a URL is absolute."""
        return self

    def relative_to(self, other: Self) -> PurePosixPath:
        """What of the key is below ``other``."""
        return PurePosixPath(self.key).relative_to(other.key)

    def exists(self) -> bool:
        """Whether there is an object with this key, or one below it."""
        return self.is_file() or self.is_dir()

    def is_file(self) -> bool:
        """Whether there is an object with exactly this key."""
        with errors_of(self), suppress(FileNotFoundError):
            obstore.head(_store(self.root), self.key)
            return True
        return False

    def is_dir(self) -> bool:
        """Whether there is an object below this key."""
        with errors_of(self):
            return any(obstore.list(_store(self.root), self._below(), chunk_size=1))

    def iterdir(self) -> Iterator[Self]:
        """What is directly below, in the order of names."""
        with errors_of(self):
            found = obstore.list_with_delimiter(_store(self.root), self._below())
        keys = {str(prefix).strip("/") for prefix in found["common_prefixes"]}
        keys |= {item["path"] for item in found["objects"]}
        return (type(self)(self.root, key) for key in sorted(keys))

    def rglob(self, pattern: str) -> Iterator[Self]:
        """All objects below whose name fits ``pattern``; unlike pathlib's there are no directories among them."""
        with errors_of(self):
            pages = obstore.list(_store(self.root), self._below())
            paths = (type(self)(self.root, item["path"]) for page in pages for item in page)
            yield from (path for path in paths if fnmatchcase(path.name, pattern))

    def read_bytes(self) -> bytes:
        """The bytes of the object.

        Raises:
            FileNotFoundError: there is none.
            StorageError: see the class.
        """
        with errors_of(self):
            return bytes(obstore.get(_store(self.root), self.key).bytes())

    def write_bytes(self, data: bytes) -> None:
        """Put the object: readers see the old bytes or the new, and once more does no harm."""
        with errors_of(self, len(data)):
            obstore.put(_store(self.root), self.key, data, use_multipart=False)

    def version(self) -> Version | None:
        """The object with what a conditional put needs, None if there is none."""
        with errors_of(self), suppress(FileNotFoundError):
            found = obstore.get(_store(self.root, impatient=True), self.key)
            meta = found.meta
            return Version(
                data=bytes(found.bytes()),
                e_tag=meta["e_tag"],
                number=meta["version"],
                modified=meta["last_modified"].timestamp(),
            )
        return None

    def replace(self, data: bytes, old: Version | None) -> bool:
        """Put the object if it is still ``old``, or if there is none; whether it was put.

        False may also follow a put whose reply was lost and which was tried again: read it to know.
        """
        mode: PutMode = "create" if old is None else _unchanged(old)
        with errors_of(self, len(data)):
            try:
                obstore.put(_store(self.root, impatient=True), self.key, data, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def unlink(self) -> None:
        """Delete the object; one that is not there is fine."""
        with errors_of(self), suppress(FileNotFoundError):
            obstore.delete(_store(self.root, impatient=True), self.key)

    def remove(self) -> None:
        """Delete every object below."""
        keys: list[str] = [found.key for found in self.rglob("*")]
        with errors_of(self), suppress(FileNotFoundError):
            for start in range(0, len(keys), _KEYS_PER_DELETE):
                obstore.delete(_store(self.root), keys[start : start + _KEYS_PER_DELETE])

    def reach(self) -> None:
        """Ask the store for something, once in a process and without patience.

        Raises:
            StorageError: it cannot be reached, refuses the credentials or has no such bucket.
        """
        with errors_of(self):
            _reached(self.root)

    def zarr(self) -> StorePath:
        """What zarr and xarray read below this path."""
        with errors_of(self):
            return StorePath(ZarrStore(_store(self.root), read_only=True), self.key)

    def _below(self) -> str | None:
        return f"{self.key}/" if self.key else None


@contextmanager
def errors_of(path: ObjectPath, needed: int = 0) -> Generator[None]:
    """Turn what obstore raises into a StorageError in one line."""
    try:
        yield
    except BaseError as error:
        text = str(error)
        refused = isinstance(error, PermissionDeniedError | UnauthenticatedError) or any(
            sign in text for sign in _NOT_AUTHORISED
        )
        size = f" ({needed} bytes to write)" if needed else ""
        remedy = f"{_CREDENTIALS} and {_AGAIN}" if refused else f"{_AGAIN} when the storage is reachable"
        if "NoSuchBucket" in text:
            remedy = f"make {path.root} or choose another --out"
        message = f"{path}: {_one_line(text)}{size}; {remedy}"
        raise StorageError(message) from error


def _one_line(text: str) -> str:
    """What happened, without the document that the server sent along and without the debugging dump."""
    said = text.partition("\n")[0].partition(": <?xml")[0].strip(": ")
    code = text.partition("<Code>")[2].partition("</Code>")[0]
    return f"{said} ({code})" if code else said


def _unchanged(version: Version) -> "PutMode":
    """``e_tag`` or ``version``, whichever the store knows."""
    known = {"e_tag": version.e_tag, "version": version.number}
    return cast("UpdateVersion", {key: value for key, value in known.items() if value is not None})


@cache
def _store(root: str, *, impatient: bool = False) -> "ObjectStore":
    """The connection of this process, which tries again for a while if the store is away."""
    if root.startswith("memory://"):
        return _memory(root)
    return from_url(
        root,
        client_options={
            "allow_http": True,  # where the endpoint in the environment says so; all others are https
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "timeout": timedelta(seconds=_ANSWER_SECONDS),
        },
        retry_config={
            "max_retries": 1_000_000,  # the time is the limit
            "retry_timeout": timedelta(seconds=IMPATIENCE_SECONDS if impatient else patience.PATIENCE_SECONDS),
            "backoff": {
                "init_backoff": timedelta(seconds=FIRST_PAUSE_SECONDS),
                "max_backoff": timedelta(seconds=LONGEST_PAUSE_SECONDS),
                "base": 2,
            },
        },
    )


@cache
def _memory(root: str) -> MemoryStore:
    """One store for each name, shared by the whole process."""
    return MemoryStore()


@cache
def _reached(root: str) -> None:
    """Answers from the cache once the store has answered."""
    any(obstore.list(_store(root, impatient=True), chunk_size=1))
