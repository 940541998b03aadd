"""RunPath: where a run is, on a disk or on an object store."""

import os
import re
from os import PathLike
from pathlib import Path

from zarr.storage import StorePath

from widthwise.errors import SpecError
from widthwise.store.objects import ObjectPath

RunPath = Path | ObjectPath

SCHEMES = ("s3", "gs", "az", "memory")

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<bucket>[^/]*)/?(?P<key>.*)", re.DOTALL)


def run_path(text: str | PathLike[str] | RunPath) -> RunPath:
    """A local path, or for ``s3://bucket/prefix/NAME.run``, ``gs://``, ``az://`` and ``memory://`` a place there.

    ``memory://name/...`` is a store of this process, gone with it. Nothing is asked of the store here.

    Raises:
        SpecError: another scheme, or no bucket or no name in it.
    """
    if isinstance(text, ObjectPath):
        return text
    found = _URL.fullmatch(os.fspath(text))
    if found is None:
        return Path(text)
    scheme, bucket, parts = found["scheme"].lower(), found["bucket"], found["key"].split("/")
    if scheme not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        message = f"{text}: {scheme}:// is no storage that widthwise knows; give a local path or one of {known}"
        raise SpecError(message)
    key = "/".join(part for part in parts if part)
    if not bucket or not key or {".", ".."} & set(parts):
        message = f"{text}: a run on an object store is {scheme}://BUCKET/NAME.run, without . or .. in it"
        raise SpecError(message)
    if "@" in bucket or "?" in key or "#" in key:
        message = f"{scheme}://...: no credentials or options in a URL; set them as environment variables"
        raise SpecError(message)
    return ObjectPath(f"{scheme}://{bucket}", key)


def for_zarr(path: RunPath) -> Path | StorePath:
    """What zarr and xarray open to read the store at ``path``."""
    return path.zarr() if isinstance(path, ObjectPath) else path
