"""A worker knows what a user registered with the driver."""

from pathlib import Path

import pytest
from run_fakes import numbers, tiny_spec

from widthwise.laws import Law, law_names
from widthwise.run.request import request
from widthwise.run.station import Job, Station
from widthwise.training import Loss, OwnUpdate, loss, loss_names, optimizer_names


def test_a_worker_knows_what_the_driver_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("laws.names", "training.named_losses", "training.named_optimizers"):
        monkeypatch.setattr(f"widthwise.{place}._REGISTERED", {})
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
        losses=(Loss(name="mine", function=lambda f, y: f, source="mine"),),
        optimizers=(OwnUpdate(name="mine", function=lambda gradients: gradients[-1], source="mine"),),
    )
    assert "mine" not in {*law_names(), *loss_names(), *optimizer_names()}
    Station(job, 0)
    assert "mine" in law_names()
    assert "mine" in optimizer_names()
    assert loss("mine") is job.losses[0].function
