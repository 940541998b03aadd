"""merge: one run from several of the same identity but for their seeds, or of one seed that hold different blocks."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

from widthwise.errors import CorruptError, IdentityError, SpecError
from widthwise.plan.units import Block
from widthwise.store.blocks import BlockSet
from widthwise.store.check import check_run
from widthwise.store.claims import claims
from widthwise.store.completion import completed
from widthwise.store.files import read_file, sha256_of, write_atomic
from widthwise.store.journal import Entry, Journal, entries
from widthwise.store.layout import Layout, chunk_keys
from widthwise.store.lifecycle import create_run, finish, open_run, require_free
from widthwise.store.objects import ObjectPath
from widthwise.store.parallel import in_parallel
from widthwise.store.parts import Merged, Part, merged, seeds_of
from widthwise.store.paths import RunPath
from widthwise.store.record import STORE, Run

_BATCH = 64


def merge_runs(inputs: Sequence[RunPath], out: RunPath) -> Run:
    """Unite the blocks of runs in a new run at ``out``, which is there whole or not at all; nothing else is touched.

    Runs of one seed are united by the index of their blocks; trials and replicates of runs of different seeds are put
    one after the other, see `widthwise.store.parts.merged`. The chunks are copied as they are.

    Args:
        inputs: at least two runs, in the order in which their trials are to stand.
        out: a place that is free.

    Raises:
        SpecError: there is no such run, fewer than two are given, or nothing in them is complete.
        IdentityError: they differ in more than their seeds, or two hold different numbers for the same block.
        CorruptError: one of them is damaged.
        StorageError: ``out`` is not free, or something cannot be read or written.
    """
    if len({str(path.absolute()) for path in inputs}) < max(2, len(inputs)):
        message = "merge: give at least two runs, each of them once"
        raise SpecError(message)
    require_free(out)
    runs = [_verified(path) for path in inputs]
    complete = [completed(run.path, run.layout, claims(run.path, run.layout)) for run in runs]
    whole = merged(runs, complete)
    _require_equal(runs, complete)
    run = create_run(out, whole.record, whole.layout, fill=lambda path: _fill(path, whole))
    finish(run)
    return run


def _verified(path: RunPath) -> Run:
    problems = check_run(path)
    if problems:
        message = f"{path}: {len(problems)} problems, the first: {problems[0]}; run its spec again to put it right"
        raise CorruptError(message)
    return open_run(path)


def _require_equal(runs: Sequence[Run], complete: Sequence[BlockSet]) -> None:
    for (one, ones), (two, twos) in combinations(zip(runs, complete, strict=True), 2):
        if seeds_of(one) != seeds_of(two):
            continue
        for block in ones:
            if block in twos and _digests(one, block) != _digests(two, block):
                message = (
                    f"{two.path} and {one.path} hold different numbers for the same block ({block.kind}, width "
                    f"{block.width}, index {block.index}); they are of different numeric environments: merge one only"
                )
                raise IdentityError(message)


def _digests(run: Run, block: Block) -> list[str | None]:
    return [sha256_of(run.path / STORE / key) for key in chunk_keys(run.layout, block).values()]


def _fill(path: RunPath, whole: Merged) -> None:
    """Copy all chunks to the run directory ``path``, then write its journal."""
    journal = Journal(path, "merge")
    for part in whole.parts:
        done = BlockSet()
        wanted = (entry for entry in entries(part.run.path) if entry.block in part.blocks)
        batch: list[Entry] = []
        slower = path if isinstance(path, ObjectPath) else part.run.path
        for entry in in_parallel(slower, partial(_copied, path, whole.layout, part), wanted):
            if entry is not None and entry.block not in done:
                done.add(entry.block)
                batch.append(replace(entry, block=part.place(entry.block)))
            if len(batch) == _BATCH:
                journal.add(batch)
                batch = []
        journal.add(batch)
        if len(done) < len(part.blocks):
            message = f"{part.run.path}: was changed while it was merged; merge again"
            raise CorruptError(message)


def _copied(path: RunPath, layout: Layout, part: Part, entry: Entry) -> Entry | None:
    """Copy the chunks that a line of the journal names; None if they are not as it says."""
    old, new = chunk_keys(part.run.layout, entry.block), chunk_keys(layout, part.place(entry.block))
    files = {name: read_file(part.run.path / STORE / key) for name, key in old.items()}
    found = {old[name]: hashlib.sha256(data).hexdigest() for name, data in files.items() if data is not None}
    if found != entry.chunks:
        return None
    for name, data in files.items():
        if data is not None:
            write_atomic(path / STORE / new[name], data)
    return replace(entry, chunks={new[name]: found[key] for name, key in old.items()})
