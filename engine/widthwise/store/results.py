"""Reading a run: the verified DataTree."""

from typing import Any

import numpy as np
import xarray as xr

from widthwise.errors import CorruptError
from widthwise.plan.units import Kind
from widthwise.store.blocks import BlockSet
from widthwise.store.claims import claims
from widthwise.store.completion import examined, trial_counts
from widthwise.store.derived import whole_groups
from widthwise.store.layout import Layout
from widthwise.store.lifecycle import open_run
from widthwise.store.paths import RunPath, for_zarr
from widthwise.store.record import STORE, Run
from widthwise.store.schema import grown_lengths

_RERUN = "run the same command again to put it right"


def open_results(path: RunPath) -> xr.DataTree:
    """All groups of the run ``path``, loaded into memory and verified against checksums and journal.

    Widths ascend and ``trial_count`` says what is complete now, also while the run is under way. A damaged derived
    group is left out, as if it had not been made yet; ``check_run`` names it. To read a store that is larger than the
    memory, use ``xarray.open_datatree(path / "results.zarr", engine="zarr")``.

    Raises:
        SpecError: there is no such run.
        CorruptError: a chunk or metadata is damaged, or a chunk that the journal names is missing.
        IdentityError: the run has another schema version.
    """
    run = open_run(path)
    done = _verified(run)
    groups = {f"/{kind}": _of_layout(run, _loaded(run, kind), kind) for kind in run.layout.groups}
    counts = groups["/trials"]["trial_count"].copy(data=trial_counts(run.layout, done))
    groups["/trials"] = groups["/trials"].assign(trial_count=counts).sortby("width")
    derived = {f"/{group}": _loaded(run, group) for group in whole_groups(run.path / STORE)}
    return xr.DataTree.from_dict({"/": _loaded(run, "/")} | groups | derived)


def _verified(run: Run) -> BlockSet:
    said = claims(run.path, run.layout)
    done = BlockSet()
    for block, problem in examined(run.path, run.layout, said, said):
        if problem is not None:
            message = f"{run.path / STORE}/{problem}; {_RERUN}"
            raise CorruptError(message)
        done.add(block)
    return done


def _loaded(run: Run, group: str) -> xr.Dataset:
    try:
        place: Any = for_zarr(run.path / STORE)  # xarray takes what zarr takes, but for its annotations
        with xr.open_dataset(place, engine="zarr", group=group, consolidated=True) as dataset:
            return dataset.load()
    except Exception as error:  # zarr, its codecs and xarray have exceptions of their own
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        message = f"{run.path / STORE}/{group.strip('/')} cannot be read ({reason}); {_RERUN}"
        raise CorruptError(message) from error


def _of_layout(run: Run, dataset: xr.Dataset, group: Kind) -> xr.Dataset:
    """The part of ``dataset`` that belongs to the layout: an extension cut short leaves more, damage less."""
    layout = run.layout
    lengths = _lengths(layout, group)
    expected = {readout.name for readout in layout.readouts}
    too_short = any(dataset.sizes.get(dim, -1) < length for dim, length in lengths.items())
    if too_short or not expected <= set(dataset.data_vars):
        message = f"{run.path / STORE}/{group}: its metadata does not match run.json; {_RERUN}"
        raise CorruptError(message)
    part = dataset.isel({dim: slice(length) for dim, length in lengths.items()})
    if group == "trials" and not np.array_equal(part["width"], layout.widths):
        message = f"{run.path / STORE}/trials/width: {part['width'].values} does not match run.json; {_RERUN}"
        raise CorruptError(message)
    return part


def _lengths(layout: Layout, group: Kind) -> dict[str, int]:
    return {axis.name: len(axis.values) for axis in layout.axes} | grown_lengths(layout, group)
