"""A run of an experiment that trains: its tables and what a user registered reach the worker and the record."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import widthwise
from widthwise.errors import IdentityError
from widthwise.experiments import EXPERIMENTS, Experiment, Kind, Readout
from widthwise.models import Architecture
from widthwise.run.station import Job
from widthwise.spaces import Space
from widthwise.store import open_run
from widthwise.training import OptimizerOptions, Scaling, Training, loss, optimizer, updates


def descent(
    model: Architecture, rows: np.ndarray, training: Training, options: OptimizerOptions, scaling: Scaling
) -> Experiment:
    """One number f for all inputs moves from avg(x^2) towards their targets; its loss at every step."""
    y = torch.from_numpy(rows[:, -training.outputs :])
    exponents = scaling.exponents(matrices=2)

    def measure(space: Space) -> dict[str, Tensor]:
        x = space.vector()
        f = space.avg(x * x)[:, :1].double()
        losses = []

        def gradients() -> object:
            for _ in range(training.steps):
                at = f.clone().requires_grad_()
                each = loss(training.loss)(at[:, None].expand(-1, len(y), 1), y)
                losses.append(each.mean(1).detach())
                yield torch.autograd.grad(each.mean(1).sum(), at)[0]

        for t, update in enumerate(updates(optimizer(options), gradients())):  # type: ignore[arg-type]
            f = f - options.learning_rate * training.schedule(t) * scaling.rate.output * update
        assert exponents.depth == 3
        return {"loss": torch.stack(losses, 1).to(x.dtype)}

    readout = Readout(name="loss", dims=("step",), shape=(training.steps,), long_name="", description="", source="")
    return Experiment(name="descent", readouts=(readout,), measure=measure)


@pytest.fixture(autouse=True)
def _descent(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind(
        name="descent",
        summary="",
        assumptions="",
        source="",
        readouts=(("loss", ""),),
        home=__name__,
        tables=frozenset({"model", "data", "training", "optimizer", "parametrization"}),
        defaults={"training": {"steps": 3, "targets": "labels"}, "optimizer": {"name": "sgd", "learning_rate": 0.5}},
    )
    monkeypatch.setitem(EXPERIMENTS, "descent", kind)  # type: ignore[arg-type]
    monkeypatch.setattr("widthwise.training.named_losses._REGISTERED", {})
    monkeypatch.setattr("widthwise.training.named_optimizers._REGISTERED", {})
    assert __name__ in sys.modules


SPEC = {
    "experiment": "descent",
    "data": {"count": 4},
    "sweep": {"width": [16, 64, 256], "trials": 8, "parametrization.rate.output": [0.5, 1.0]},
    "limit": {"samples": 256, "replicates": 2},
}


def test_the_tables_and_targets_reach_the_experiment(tmp_path: Path) -> None:
    r"""Labels -1, 1, -1, 1 and f_0 -> 1: f halves at every step, and the loss is :math:`(f^2 + 1) / 2`."""
    results = widthwise.open(widthwise.run(SPEC, tmp_path / "a.run", address="inline"))
    limit = results["limit"]["loss"].sel({"parametrization.rate.output": 1.0}).mean("replicate")
    np.testing.assert_allclose(limit, (0.25 ** np.arange(3) + 1) / 2, rtol=1e-2)
    assert dict(results["trials"]["loss"].sizes)["step"] == 3


def test_what_a_user_registers_is_used_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Job] = []
    driver = importlib.import_module("widthwise.run.driver")
    monkeypatch.setattr(driver, "Job", lambda **parts: jobs.append(Job(**parts)) or jobs[-1])
    widthwise.register_loss("half", lambda f, y: ((f - y) ** 2).sum(-1) / 4)
    widthwise.register_optimizer("signs", lambda gradients: torch.sign(gradients[-1]))
    own = {**SPEC, "training": {"loss": "half"}, "optimizer": {"name": "signs", "learning_rate": 0.25}}
    path = tmp_path / "a.run"
    results = widthwise.open(widthwise.run(own, path, address="inline"))
    limit = results["limit"]["loss"].sel({"parametrization.rate.output": 1.0}).mean("replicate")
    np.testing.assert_allclose(limit, ((1 - 0.25 * np.arange(3)) ** 2 + 1) / 4, rtol=1e-2)
    assert [each.name for each in (*jobs[0].losses, *jobs[0].optimizers)] == ["half", "signs"]
    assert {"loss half", "optimizer signs"} < set(open_run(path).record.identity_fields)
    sys.modules["widthwise.training.named_losses"]._REGISTERED.clear()
    widthwise.register_loss("half", lambda f, y: ((f - y) ** 2).sum(-1) / 3)
    with pytest.raises(IdentityError, match="loss half: its code is not that of the run"):
        widthwise.run(own, path, address="inline")
