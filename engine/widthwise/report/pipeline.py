"""From a spec to stored curves: execute, reduce, store; and from a run directory back to its curves."""

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xarray as xr

from widthwise.reduce import reduce as reduced
from widthwise.report.failures import require_complete
from widthwise.report.figures import Curves as Curves
from widthwise.report.figures import figures_of
from widthwise.report.rounds import Rounds, in_rounds
from widthwise.run import Progress, execute
from widthwise.spec import Spec, Verdict, load_spec
from widthwise.store import ObjectPath, RunPath, open_results, open_run, run_path, write_derived
from widthwise.store.files import disk_errors, write_atomic


def run(
    spec: Spec | str | PathLike[str] | Mapping[str, Any],
    out: str | PathLike[str] | RunPath | None = None,
    *,
    address: str = "local",
    workers: int | None = None,
    shards: int = 1,
    gpus_per_worker: float = 1.0,
    extend: bool = False,
    fresh: bool = False,
    allow_mixed: bool = False,
    tolerance: float | None = None,
    budget: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunPath:
    """Compute what a run lacks, reduce it and store the curves.

    With a tolerance or a budget the numbers of trials and replicates of the spec bound the first round only: those
    after it add, where that shortens the intervals of the curves of rms, or of w2 of a law, most.

    Args:
        spec: a spec, the file that holds one, or its table.
        out: run directory, or a URL such as ``s3://bucket/NAME.run``; by default ``NAME.run`` beside the caller, NAME
            being that of the file or the experiment.
        address: ``local`` (a Ray of its own), ``inline`` (this process), or a running cluster: ``auto``, ``HOST:PORT``,
            ``ray://HOST:PORT``.
        workers: at most so many; by default as many as there is room for.
        shards: so many workers share one replicate of the limit; no number depends on it.
        gpus_per_worker: with device ``cuda``, the part of a GPU and of its memory that a worker has.
        extend: add widths, trials or replicates that the existing run was not made for.
        fresh: remove an existing run first.
        allow_mixed: go on in another numeric environment.
        tolerance: the verdict's; and rounds are added until no interval has a half width above it.
        budget: seconds; rounds are added where they gain most until these are over.
        on_progress: called after every event of the run.

    Returns:
        The run directory, for `open` and `reduce`.

    Raises:
        WidthwiseError: see ``widthwise.errors``; IncompleteError after everything that could be computed is stored.
    """
    asked = spec if isinstance(spec, Spec) else load_spec(spec if isinstance(spec, Mapping) else Path(spec))
    name = Path(spec).stem if isinstance(spec, str | PathLike) else asked.experiment
    path = run_path(out or f"{name}.run")
    call = partial(
        execute,
        out=path,
        address=address,
        workers=workers,
        shards=shards,
        gpus_per_worker=gpus_per_worker,
        extend=extend,
        fresh=fresh,
        allow_mixed=allow_mixed,
    )
    if tolerance is None and budget is None:
        outcome = call(asked, on_progress=on_progress)
    else:
        rounds = Rounds(asked, tolerance=tolerance, budget=budget)
        asked, outcome = rounds.spec, in_rounds(call, path, rounds, on_progress)
    store_curves(outcome.path, asked)
    require_complete(outcome)
    return outcome.path


def open(run: str | PathLike[str] | RunPath) -> xr.DataTree:
    """All results of a run, verified and in memory: groups trials, limit, exact, arithmetic, curves, verdicts.

    Raises:
        CorruptError: a chunk or the metadata is damaged.
    """
    return open_results(run_path(run))


def reduce(run: str | PathLike[str] | RunPath) -> Curves:
    """Derive curves and verdicts from the trials of a run, and store them there."""
    return store_curves(run_path(run))


def store_curves(path: RunPath, spec: Spec | None = None) -> Curves:
    """Derive curves and verdicts and store them; touches no file if they are there already."""
    curves, verdicts = curves_of(path, spec)
    write_derived(path, "curves", curves)
    write_derived(path, "verdicts", verdicts)
    return curves, verdicts


def curves_of(path: RunPath, spec: Spec | None = None) -> Curves:
    """Curves and verdicts of everything complete in a run, also while it is under way; writes nothing.

    ``spec`` says at which tolerance and confidence; by default the spec that the run was made from.
    """
    found = open_run(path)
    verdict = spec.verdict if spec else Verdict.model_validate(found.record.spec["verdict"])
    return reduced(
        open_results(path),
        tolerance=verdict.tolerance,
        confidence=verdict.confidence,
        expected={readout.name: readout.expected_slopes for readout in found.layout.readouts},
    )


def drawings(path: RunPath, main: RunPath | None = None) -> tuple[RunPath, ...]:
    """Where `draw` puts the figures of the run ``path``, the main one first: into the run, each by its name.

    Or the main one to ``main`` and the others beside it, ``curves_trajectories.pdf`` beside ``curves.pdf``.
    """
    first, *others = figures_of(open_run(path))
    if main is None:
        return tuple(path / "figures" / f"{name}.png" for name in (first, *others))
    return (main, *(main.with_stem(f"{main.stem}_{name}") for name in others))


def draw(path: RunPath, curves: Curves, main: RunPath | None = None) -> tuple[RunPath, ...]:
    """Draw the figures of the run ``path``: its curves or its phase diagram, and what else it has; see `drawings`.

    Raises:
        SpecError: the suffix of ``main`` is not that of a known format.
        StorageError: disk full or not writable.
    """
    run, places = open_run(path), drawings(path, main)
    with disk_errors(places[0]):
        for place, draw_one in zip(places, figures_of(run).values(), strict=True):
            if isinstance(place, ObjectPath):
                _put(partial(draw_one, run, curves), place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                draw_one(run, curves, place)
    return places


def _put(draw_one: Callable[[Path], None], place: ObjectPath) -> None:
    """Draw to a file of this machine and put it on the object store."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / place.name
        draw_one(file)
        write_atomic(place, file.read_bytes())
