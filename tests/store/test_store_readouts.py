"""What a readout says of its distances is kept with the run, and a readout may be NaN."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from store_driver import RECORD, TINY, blocks_of, measure, readout

from widthwise import store

LAYOUT = replace(
    TINY,
    readouts=(
        readout("loss"),
        replace(readout("spectrum", 2, 3), law="tails", scale=2.5),
        replace(readout("moment", 1), scale=1.0, profile="moment_0", coords={"moment_0": (1,)}),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run in which ``spectrum`` is NaN everywhere."""
    run = store.create_run(tmp_path / "a.run", RECORD, LAYOUT)
    journal = store.Journal(run.path, "worker-0")
    for block in blocks_of(LAYOUT):
        values = measure(LAYOUT, block)
        values["spectrum"] = np.full_like(values["spectrum"], np.nan)
        journal.record(block, store.write_block(run.path, LAYOUT, block, values), seconds=0.5, attempt=1)
    store.finish(run)
    return run.path


def test_law_scale_and_profile_are_in_the_record_and_beside_the_numbers(path: Path) -> None:
    assert store.open_run(path).layout == LAYOUT
    trials = store.open_results(path)["trials"]
    found = {
        name: {key: trials[name].attrs.get(key) for key in ("law", "scale", "profile")} for name in trials.data_vars
    }
    assert found["spectrum"] == {"law": "tails", "scale": 2.5, "profile": None}
    assert found["moment"] == {"law": None, "scale": 1.0, "profile": "moment_0"}
    assert found["loss"] == {"law": None, "scale": None, "profile": None}


def test_nan_is_a_result_like_any_other(path: Path) -> None:
    assert store.check_run(path) == []
    trials = store.open_results(path)["trials"]
    assert trials["trial_count"].to_numpy().tolist() == [4]
    assert trials["spectrum"].isnull().all()
    assert trials["loss"].notnull().all()
    blocks = blocks_of(LAYOUT)
    assert store.completed(path, LAYOUT, blocks) == set(blocks)
