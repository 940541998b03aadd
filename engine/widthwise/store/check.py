"""Check a run: every problem in one line."""

from collections.abc import Iterator

import numpy as np
import zarr

from widthwise.store.claims import claims
from widthwise.store.codec import decode
from widthwise.store.comparison import metadata_problems
from widthwise.store.completion import completed, examined, trial_counts
from widthwise.store.derived import derived_problems
from widthwise.store.files import files_below, read_file
from widthwise.store.layout import chunk_shape
from widthwise.store.lifecycle import open_run
from widthwise.store.metadata import DERIVED, is_chunk
from widthwise.store.parallel import in_parallel
from widthwise.store.paths import RunPath, for_zarr
from widthwise.store.record import STORE, Run


def check_run(path: RunPath) -> list[str]:
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
    said = claims(run.path, run.layout)
    yield from (problem for _, problem in examined(run.path, run.layout, said, said) if problem is not None)


def _undecodable(run: Run) -> Iterator[str]:
    for group in run.layout.groups:
        for readout in run.layout.readouts:
            shape = chunk_shape(run.layout, group, readout)
            for key, problem in _decoded(run.path / STORE, f"{group}/{readout.name}", shape):
                if problem is not None:
                    yield f"{key}: {problem}"


def _decoded(store: RunPath, array: str, shape: tuple[int, ...]) -> Iterator[tuple[str, str | None]]:
    files = {f"{array}/{key}": file for key, file in files_below(store / array).items() if is_chunk(key)}
    return zip(files, in_parallel(store, lambda file: _decoding(file, shape), files.values()), strict=True)


def _decoding(file: RunPath, shape: tuple[int, ...]) -> str | None:
    try:
        decode(read_file(file) or b"", shape, np.dtype(np.float64))
    except ValueError as error:
        return f"cannot be decoded ({error})"
    return None


def _counts(run: Run) -> Iterator[str]:
    key = "trials/trial_count"
    try:
        stored = np.asarray(zarr.open_array(for_zarr(run.path / STORE), path=key, mode="r")[...])
    except Exception as error:  # zarr and its codecs have exceptions of their own
        yield f"{key}: cannot be read ({type(error).__name__})"
        return
    counts = trial_counts(run.layout, completed(run.path, run.layout, claims(run.path, run.layout)))
    if stored.shape == counts.shape and (stored > counts).any():
        yield f"{key}: counts {stored.sum()} trials, {counts.sum()} are complete"
