"""tree_hash: one number that says whether two stores hold the same bytes."""

import hashlib
from collections.abc import Sequence

from widthwise.store.files import files_below, sha256_of
from widthwise.store.layout import PRIMARY
from widthwise.store.metadata import is_chunk
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath
from widthwise.store.record import STORE


def tree_hash(path: RunPath, groups: Sequence[str] = PRIMARY) -> str:
    """sha256 over the chunk files of ``groups`` in the run ``path``: relative key and bytes, in the order of keys.

    Metadata are left out, since they hold dates and versions; so are temporary files.
    """
    store = path / STORE
    found = {f"{group}/{key}": file for group in groups for key, file in files_below(store / group).items()}
    chunks = {key: found[key] for key in sorted(found) if is_chunk(key)}
    total = hashlib.sha256()
    for key, digest in zip(chunks, in_parallel(store, sha256_of, chunks.values()), strict=True):
        total.update(f"{key}\0{digest}\n".encode())
    return total.hexdigest()
