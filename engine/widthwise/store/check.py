"""Check a run: every problem in one line."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zarr

from widthwise.store.codec import decode
from widthwise.store.comparison import metadata_problems
from widthwise.store.completion import claims, completed, damage, trial_counts
from widthwise.store.derived import derived_problems
from widthwise.store.files import PARTIAL, read_file
from widthwise.store.layout import chunk_shape
from widthwise.store.lifecycle import open_run
from widthwise.store.metadata import DERIVED
from widthwise.store.record import STORE, Run
from widthwise.store.schema import METADATA


def check_run(path: Path) -> list[str]:
    """Decode every chunk, hash it against the journal, compare metadata, coordinates and counts with ``run.json``.

    An unfinished run is no problem; a damaged one is. Each problem names the file and what is wrong.

    Raises:
        SpecError: there is no such run.
        CorruptError: ``run.json`` or other metadata cannot even be parsed.
        IdentityError: the run has another schema version.
    """
    run = open_run(path)
    store = run.path / STORE
    derived = (problem for group in DERIVED for problem in derived_problems(store, group))
    metadata = metadata_problems(store, run.record, run.layout)
    found = (*_journalled(run), *_undecodable(run), *metadata, *_counts(run), *derived)
    return list(dict.fromkeys(found))


def _journalled(run: Run) -> Iterator[str]:
    for block, said in sorted(claims(run.path, run.layout).items()):
        problem = damage(run.path, run.layout, block, said)
        if problem is not None:
            yield problem


def _undecodable(run: Run) -> Iterator[str]:
    for group in run.layout.groups:
        for readout in run.layout.readouts:
            shape = chunk_shape(run.layout, group, readout)
            for file in _chunk_files(run.path / STORE / group / readout.name):
                problem = _decoding(file, shape)
                if problem is not None:
                    yield f"{file.relative_to(run.path / STORE)}: {problem}"


def _chunk_files(array: Path) -> list[Path]:
    files = [file for file in array.rglob("*") if file.is_file()]
    return sorted(file for file in files if file.name != METADATA and not file.name.endswith(PARTIAL))


def _decoding(file: Path, shape: tuple[int, ...]) -> str | None:
    try:
        decode(read_file(file) or b"", shape, np.dtype(np.float64))
    except ValueError as error:
        return f"cannot be decoded ({error})"
    return None


def _counts(run: Run) -> Iterator[str]:
    key = "trials/trial_count"
    try:
        stored = np.asarray(zarr.open_array(run.path / STORE, path=key, mode="r")[...])
    except Exception as error:  # zarr and its codecs have exceptions of their own
        yield f"{key}: cannot be read ({type(error).__name__})"
        return
    counts = trial_counts(run.layout, completed(run.path, run.layout, claims(run.path, run.layout)))
    if stored.shape == counts.shape and (stored > counts).any():
        yield f"{key}: counts {stored.sum()} trials, {counts.sum()} are complete"
