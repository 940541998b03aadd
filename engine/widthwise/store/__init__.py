"""The run directory and its zarr store: create, write, verify, read."""

from widthwise.store.check import check_run
from widthwise.store.chunks import write_block
from widthwise.store.completion import completed
from widthwise.store.derived import write_derived
from widthwise.store.files import sweep_leftovers
from widthwise.store.hashing import tree_hash
from widthwise.store.journal import Entry, Journal, read_journal
from widthwise.store.layout import PRIMARY, Axis, Layout, chunk_keys, union
from widthwise.store.lifecycle import create_run, extend_run, finish, is_free, open_run, remove_run
from widthwise.store.lock import Lock
from widthwise.store.log import Log, read_log
from widthwise.store.merge import merge_runs
from widthwise.store.objects import ObjectPath
from widthwise.store.paths import RunPath, run_path
from widthwise.store.record import SCHEMA_VERSION, Run, RunRecord
from widthwise.store.results import open_results
from widthwise.store.rounds import Round, read_round, write_round

__all__ = [
    "PRIMARY",
    "SCHEMA_VERSION",
    "Axis",
    "Entry",
    "Journal",
    "Layout",
    "Lock",
    "Log",
    "ObjectPath",
    "Round",
    "Run",
    "RunPath",
    "RunRecord",
    "check_run",
    "chunk_keys",
    "completed",
    "create_run",
    "extend_run",
    "finish",
    "is_free",
    "merge_runs",
    "open_results",
    "open_run",
    "read_journal",
    "read_log",
    "read_round",
    "remove_run",
    "run_path",
    "sweep_leftovers",
    "tree_hash",
    "union",
    "write_block",
    "write_derived",
    "write_round",
]
