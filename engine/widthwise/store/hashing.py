"""tree_hash: one number that says whether two stores hold the same bytes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from widthwise.store.files import PARTIAL, sha256_of
from widthwise.store.layout import PRIMARY
from widthwise.store.record import STORE
from widthwise.store.schema import METADATA


def tree_hash(path: Path, groups: Sequence[str] = PRIMARY) -> str:
    """sha256 over the chunk files of ``groups`` in the run ``path``: relative key and bytes, in the order of keys.

    Metadata are left out, since they hold dates and versions; so are temporary files.
    """
    store = path / STORE
    files = {file.relative_to(store).as_posix(): file for group in groups for file in (store / group).rglob("*")}
    total = hashlib.sha256()
    for key, file in sorted(files.items()):
        if file.is_file() and file.name != METADATA and not key.endswith(PARTIAL):
            total.update(f"{key}\0{sha256_of(file)}\n".encode())
    return total.hexdigest()
