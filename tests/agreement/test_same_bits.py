"""From spec to curves, the same bits in this process and on Ray, for any number of workers and any cut into units."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import widthwise
from widthwise.models import activations
from widthwise.plan import CostModel, Series, Span, series
from widthwise.store import read_journal, tree_hash

GROUPS = ("trials", "limit", "exact", "arithmetic", "curves", "verdicts")


@pytest.fixture(autouse=True)
def own_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that only this process knows: workers must be told."""
    monkeypatch.setattr(activations, "_REGISTERED", {})
    widthwise.register_activation("shifted_tanh", lambda x: torch.tanh(x + 0.5))


def spec() -> Mapping[str, Any]:
    return {
        "experiment": "ntk",
        "model": {"activation": "shifted_tanh", "depth": 2, "bias_variance": 0.1},
        "data": {"source": "gaussian", "count": 3, "features": 5},
        "sweep": {"width": [16, 64, 256], "trials": 16, "seed": [0, 1]},
        "limit": {"samples": 4096, "replicates": 4},
    }


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_inline_and_ray_agree_to_the_last_bit_of_the_curves(tmp_path: Path, workers: int) -> None:
    inline = widthwise.run(spec(), tmp_path / "inline.run", address="inline")
    other = widthwise.run(spec(), tmp_path / "ray.run", address="local", workers=workers)
    assert tree_hash(other, groups=GROUPS) == tree_hash(inline, groups=GROUPS)
    assert read_journal(other).keys() == read_journal(inline).keys()


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_the_cut_into_units_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    usual = widthwise.run(spec(), tmp_path / "usual.run", address="inline")
    cuts: list[int] = []

    def other_cut(missing: Sequence[Span], cost: CostModel, workers: int) -> list[Series]:
        del workers
        made = series(missing, cost, seconds)
        cuts.append(max(len(unit.blocks) for each in made for unit in each))
        return made

    monkeypatch.setattr(sys.modules["widthwise.run.driver"], "cut", other_cut)
    other = widthwise.run(spec(), tmp_path / "other.run", address="inline")
    assert cuts == [1 if seconds == 0 else 4]  # the shortest and the longest units there can be: 4 replicates
    assert tree_hash(other, groups=GROUPS) == tree_hash(usual, groups=GROUPS)


def test_the_code_of_an_activation_belongs_to_the_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = widthwise.run(spec(), tmp_path / "a.run", address="inline")
    widthwise.run(spec(), run, address="inline")
    monkeypatch.setattr(activations, "_REGISTERED", {})
    widthwise.register_activation("shifted_tanh", lambda x: torch.tanh(x + 0.25))
    with pytest.raises(widthwise.IdentityError, match="activation shifted_tanh: its code is not that of the run"):
        widthwise.run(spec(), run, address="inline")
