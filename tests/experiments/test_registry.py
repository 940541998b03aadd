"""The registry: an experiment is built from the tables it uses, and needs nothing heavy to be known."""

import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from widthwise.experiments import EXPERIMENTS, Experiment, Kind, NoOptions, build
from widthwise.experiments.options import Semicircle
from widthwise.models import MLP
from widthwise.plan import point_inputs
from widthwise.sections import Section
from widthwise.spec import load_spec, points

GIVEN: list[tuple[object, ...]] = []


@pytest.fixture
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with an experiment that keeps what it is called with."""

    def probe(*tables: object) -> Experiment:
        GIVEN.append(tables)
        return Experiment(name="probe", readouts=(), measure=lambda _: {})

    home = ModuleType("probes")
    home.probe = probe  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "probes", home)
    GIVEN.clear()


@pytest.mark.usefixtures("_home")
@pytest.mark.parametrize("options", [NoOptions, Semicircle])
@pytest.mark.parametrize("tables", [frozenset(), {"model"}, {"data"}, {"model", "data"}])
def test_an_experiment_is_given_what_it_uses(
    monkeypatch: pytest.MonkeyPatch, tables: frozenset[str], options: type[Section]
) -> None:
    kind = Kind(
        name="probe",
        summary="",
        assumptions="",
        source="",
        readouts=(),
        home="probes",
        tables=frozenset(tables),
        options=options,
    )
    monkeypatch.setitem(EXPERIMENTS, "probe", kind)  # type: ignore[arg-type]
    model, inputs, own = MLP(), np.eye(2), options()
    build("probe", {"model": model, "options": own}, inputs)
    expected = [model] if "model" in tables else []
    expected += [inputs] if "data" in tables else []
    expected += [own] if options is Semicircle else []
    (given,) = GIVEN
    assert len(given) == len(expected)
    assert all(one is other for one, other in zip(given, expected, strict=True))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_only_experiments_with_data_have_inputs(name: str) -> None:
    spec = load_spec({"experiment": name, "sweep": {"seed": [0, 1, 2]}})
    inputs = point_inputs(points(spec))
    assert len(inputs) == 3
    assert all(bool(array.size) == ("data" in EXPERIMENTS[name].tables) for array in inputs)


def test_to_know_the_experiments_takes_nothing_heavy() -> None:
    program = (
        "import sys\nfrom widthwise.spec import load_spec\n"
        "for name in ('amp', 'semicircle', 'interpolation'):\n    load_spec({'experiment': name})\n"
        "assert not {'ray', 'scipy', 'torch', 'zarr'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
