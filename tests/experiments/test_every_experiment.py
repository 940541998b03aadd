"""Every experiment keeps to the language and returns what it declares, in every reading."""

import runpy
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from acceptance import experiment

from widthwise.errors import ProgramError
from widthwise.experiments import EXPERIMENTS
from widthwise.experiments.options import NTK, Semicircle
from widthwise.experiments.registry import draws_entries
from widthwise.models import MLP
from widthwise.spaces import FiniteSpace, KetSpace, Space, check_program

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_program.py"
READINGS = ("finite", "rqmc", "mc", "derivative")
TRAINED = [name for name, kind in EXPERIMENTS.items() if "training" in kind.tables]
CLASSIFYING = [name for name, kind in EXPERIMENTS.items() if kind.classifies]
WITH_LAW = [name for name, kind in EXPERIMENTS.items() if "law" in kind.options.model_fields]
OF_EVERY_LAW = {"clipped_identity", "dynamical_isometry"}
"""The law of one is of vectors too, and none is orthogonal; the other has a closed form for orthogonal matrices."""


def space_of(reading: str) -> Space:
    return FiniteSpace(12, 3) if reading == "finite" else KetSpace(64, 3, estimator=reading)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPERIMENTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_experiments_keep_to_the_language(name: str, seed: int) -> None:
    check_program(experiment(name).measure, seed=seed)


@pytest.mark.parametrize("name", WITH_LAW)
@pytest.mark.parametrize("law", ["rademacher", "sparse(0.5)"])
def test_experiments_keep_to_the_language_whatever_the_law(name: str, law: str) -> None:
    check_program(experiment(name, law=law).measure)


@pytest.mark.parametrize("program", ["tied_residual", "untied_residual"])
def test_the_example_keeps_to_the_language(program: str) -> None:
    check_program(runpy.run_path(str(EXAMPLE))[program])


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_readouts_are_as_declared(name: str, reading: str) -> None:
    """Names, shapes, replicates; a law ascends; and every dimension that has coordinates is as long as they are."""
    this, space = experiment(name), space_of(reading)
    if (name in TRAINED and reading == "derivative") or (name in CLASSIFYING and reading != "finite"):
        with pytest.raises(ProgramError, match=r"derivative|at a finite width"):
            this.measure(space)
        return
    values = this.measure(space)
    assert list(values) == [readout.name for readout in this.readouts]
    for readout in this.readouts:
        value = values[readout.name].detach().double().numpy()
        assert value.shape == (space.replicates, *readout.shape)
        assert len(readout.dims) == len(readout.shape)
        assert readout.coords.keys() <= set(readout.dims)
        for dim, coordinates in readout.coords.items():
            assert len(set(coordinates)) == len(coordinates) == readout.shape[readout.dims.index(dim)]
        if readout.law and not np.isnan(value).any():
            assert (np.diff(value) >= -1e-12).all()
        elif not readout.law:
            assert np.isfinite(value).all()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_closed_forms_are_as_declared(name: str) -> None:
    this = experiment(name)
    if this.exact is None:
        assert name in {"master_theorem", *TRAINED, *CLASSIFYING}
        return
    exact = this.exact()
    assert list(exact) == [readout.name for readout in this.readouts]
    for readout in this.readouts:
        assert exact[readout.name].shape == readout.shape
        assert exact[readout.name].any() or readout.scale or readout.size, f"{readout.name}: nothing is relative to 0"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_list_shows_the_readouts_and_their_dimensions(name: str) -> None:
    everything = {"flow": True} if name == "ntk_training" else {}
    declared, listed = experiment(name, **everything).readouts, EXPERIMENTS[name].readouts
    described = [[text for pattern, text in listed if fnmatch(readout.name, pattern)] for readout in declared]
    assert all(len(texts) == 1 for texts in described)
    assert all(any(fnmatch(readout.name, pattern) for readout in declared) for pattern, _ in listed)
    for readout, (text,) in zip(declared, described, strict=True):
        assert text.endswith(f"({', '.join(readout.dims)})" if readout.dims else text)


@pytest.mark.parametrize("name", sorted(set(WITH_LAW) - OF_EVERY_LAW))
def test_only_orthogonal_matrices_have_no_closed_form(name: str) -> None:
    assert experiment(name, law="orthogonal").exact is None
    if name != "master_theorem":
        assert all(experiment(name, law=law).exact is not None for law in ("gaussian", "uniform", "student_t(5)"))


@pytest.mark.parametrize(
    ("law", "drawn"), [("gaussian", False), ("orthogonal", False), ("rademacher", True), ("sparse(0.1)", True)]
)
def test_laws_other_than_gaussian_draw_entries(law: str, drawn: bool) -> None:
    """Those of an experiment's own matrices, or of its network's; vectors are drawn whatever their law."""
    assert draws_entries("semicircle", MLP(law="rademacher"), Semicircle(law=law)) == drawn
    assert draws_entries("ntk", MLP(law=law, vector_law="rademacher"), NTK()) == drawn
