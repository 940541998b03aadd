"""A worker knows what a user registered with the driver."""

from pathlib import Path

import pytest
from run_fakes import numbers, tiny_spec

from widthwise.laws import Law, law_names
from widthwise.run.request import request
from widthwise.run.station import Job, Station


def test_a_worker_knows_the_laws_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widthwise.laws.names._REGISTERED", {})
    asked = request(tiny_spec())
    job = Job(
        path=tmp_path,
        spec=asked.spec,
        inputs=asked.inputs,
        layout=asked.layout,
        canary={},
        allow_mixed=False,
        measure=numbers,
        laws=(Law(name="mine", family="mine", source="mine"),),
    )
    assert "mine" not in law_names()
    Station(job, 0)
    assert "mine" in law_names()
