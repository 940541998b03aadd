"""The run directory and its zarr store: create, write, verify, read."""

from widthwise.store.check import check_run
from widthwise.store.chunks import write_block
from widthwise.store.completion import completed
from widthwise.store.derived import write_derived
from widthwise.store.files import sweep_leftovers
from widthwise.store.hashing import tree_hash
from widthwise.store.journal import Entry, Journal, read_journal
from widthwise.store.layout import PRIMARY, Axis, Layout, chunk_keys, union
from widthwise.store.lifecycle import create_run, extend_run, finish, open_run, remove_run
from widthwise.store.lock import Lock
from widthwise.store.record import SCHEMA_VERSION, Run, RunRecord
from widthwise.store.results import open_results

__all__ = [
    "PRIMARY",
    "SCHEMA_VERSION",
    "Axis",
    "Entry",
    "Journal",
    "Layout",
    "Lock",
    "Run",
    "RunRecord",
    "check_run",
    "chunk_keys",
    "completed",
    "create_run",
    "extend_run",
    "finish",
    "open_results",
    "open_run",
    "read_journal",
    "remove_run",
    "sweep_leftovers",
    "tree_hash",
    "union",
    "write_block",
    "write_derived",
]
