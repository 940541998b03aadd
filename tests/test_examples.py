"""What users are shown runs as it stands: the examples, and the README's programs and spec."""

import importlib
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import widthwise
from widthwise.report.dichotomy_map import dichotomy_map
from widthwise.report.phase_diagram import phase_diagram
from widthwise.theory import chi_1, closed_forms

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "examples" / "ntk_digits.toml"
PHASES = ROOT / "examples" / "phase_diagram.toml"


def readme_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    overrides = ["sweep.width=[64, 256, 1024]", "sweep.trials=16", "limit.samples=16384"]
    spec = widthwise.load_spec(DIGITS, overrides)
    return widthwise.run(spec, tmp_path_factory.mktemp("examples") / "ntk_digits.run", address="inline")


def test_the_digits_example_converges_at_small_size(small_run: Path) -> None:
    results = widthwise.open(small_run)
    assert dict(results["trials"]["ntk"].sizes) == {"width": 3, "trial": 16, "input": 8, "input_": 8}
    value = results["curves"]["value"].sel(metric="rms")
    assert (value.isel(width=-1) < 0.5 * value.isel(width=0)).all()


def test_the_analysis_of_the_example(
    small_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["analyse_ntk.py", str(small_run)])
    runpy.run_path(str(ROOT / "examples" / "analyse_ntk.py"))
    printed = capsys.readouterr().out
    assert "slowest entry at width 1,024" in printed
    assert "skewness" in printed


def test_the_phase_diagram_at_small_size(tmp_path: Path) -> None:
    """Where chi_1 is below 0.6 gradients vanish and inputs are alike; where it is above 1.3 neither."""
    axes = ['sweep."model.weight_variance"=[0.5, 2.0, 3.5]', 'sweep."model.bias_variance"=[0.05, 0.15, 0.25]']
    small = ["model.depth=8", "limit.samples=64", "limit.replicates=2"]
    spec = widthwise.load_spec(PHASES, [*axes, "sweep.width=[128]", "sweep.trials=4", *small])
    run = widthwise.run(spec, tmp_path / "phase_diagram.run", address="inline")
    diagram = phase_diagram(spec.model.activation, widthwise.open(run)["trials"].to_dataset())
    chi = chi_1(closed_forms["erf"], diagram.weight_variances, diagram.bias_variances[:, None])
    assert {True} == set((diagram.growth[chi < 0.6] < 0.7).tolist()) == set((diagram.growth[chi > 1.3] > 1.2).tolist())
    assert diagram.correlation[chi < 0.6].min() > 0.9 > 0.6 > diagram.correlation[chi > 1.3].max()


def test_the_tour_of_the_language_reads_the_same_at_every_width_and_at_infinity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Squares of gradients too: an average that left most coordinates without one would be 16 times too large."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    tour = importlib.import_module("language").tour
    widthwise.check_program(tour)
    finite, ket = (
        {name: value.detach().double() for name, value in tour(space).items()}
        for space in (widthwise.FiniteSpace(1024, 48, seed=1), widthwise.KetSpace(2**14, 4))
    )
    for name, value in finite.items():
        error = (value.var(0) / 48 + ket[name].var(0) / 4).sqrt()
        # 5 standard errors, a false alarm in 1 of 100,000 for all 10 entries; the bias of width 1,024 is below 1 %.
        assert ((value.mean(0) - ket[name].mean(0)).abs() <= 5 * error + 0.01 * value.abs().mean(0)).all()


def test_a_network_of_ones_own_is_trained_at_every_width_and_in_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """Distances fall from width to width, from 0.1: of 64, 32 and 8 trials they have standard errors of 10 to 25 %."""
    runpy.run_path(str(ROOT / "examples" / "train_own_network.py"), run_name="__main__")
    limit, _, *lines = capsys.readouterr().out.splitlines()
    distances = [float(line.split()[1]) for line in lines]
    assert len(limit.split()) == 5
    assert 0.2 > distances[0] > 1.3 * distances[1] > 1.3 * distances[2] > 0


def test_the_readmes_program_reads_the_same_at_a_million_and_at_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    program = next(block for block in readme_blocks("python") if "def program" in block)
    exec(program, {})
    printed = [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", capsys.readouterr().out)]
    finite, ket = np.array(printed).reshape(2, 3, 3)
    # Entries of order 1 at n = 1e6: standard errors of order 1e-3; five of them.
    np.testing.assert_allclose(finite, ket, rtol=0, atol=1e-2)


def test_the_readmes_tour_prints_two_readings_that_agree(capsys: pytest.CaptureFixture[str]) -> None:
    exec(next(block for block in readme_blocks("python") if "def tour" in block), {})
    printed = [float(number) for number in re.findall(r"-?\d+\.\d+", capsys.readouterr().out)]
    finite, ket = np.array(printed).reshape(2, 2)
    # 8 trials of width 1,024 have a standard error of 4e-3 (48 of the example's: 1.5e-3); five of them.
    np.testing.assert_allclose(finite, ket, rtol=0, atol=2e-2)


def test_the_readmes_own_network_has_its_kernels_at_every_width(capsys: pytest.CaptureFixture[str]) -> None:
    exec(next(block for block in readme_blocks("python") if "def gated" in block), {})
    printed = [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", capsys.readouterr().out)]
    finite, ket = np.array(printed).reshape(2, 3, 3)
    # Trials of width 4,096 differ by 3 to 5 %: a standard error below 2 % of the diagonal for 8 of them; five of it.
    np.testing.assert_allclose(finite, ket, rtol=0, atol=0.1 * ket.diagonal().max())


def test_the_readmes_trained_network_is_near_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """Outputs of width 512 spread by about 0.05 around the limit, the mean of 4 trials by half of that."""
    exec(next(block for block in readme_blocks("python") if "widthwise.train" in block), {})
    lines = [line.split("tensor")[1] for line in capsys.readouterr().out.splitlines()]
    finite, ket = np.array([re.findall(r"-?\d\.\d*", line) for line in lines], dtype=float).reshape(2, 9, 3)
    np.testing.assert_allclose(finite, ket, rtol=0, atol=0.15)
    assert abs(ket[-1, :2]).min() > 0.3


def test_the_readmes_training_runs_at_small_size(tmp_path: Path) -> None:
    text = next(block for block in readme_blocks("toml") if "[training]" in block)
    (tmp_path / "spec.toml").write_text(text)
    small = ["sweep.width=[8]", "sweep.trials=2", "limit.samples=32", "limit.replicates=2", "training.steps=2"]
    small += ["model.positions=2", "model.heads=1", "model.ratio=0.5", "data.count=7"]
    spec = widthwise.load_spec(tmp_path / "spec.toml", small)
    results = widthwise.open(widthwise.run(spec, tmp_path / "spec.run", address="inline"))
    assert results["trials"]["output"].dims == ("width", "trial", "step", "input")
    assert results["trials"]["output"].notnull().all()


def test_the_readmes_spec_is_valid(tmp_path: Path) -> None:
    text = next(block for block in readme_blocks("toml") if "[training]" not in block)
    np.save(tmp_path / "inputs.npy", np.eye(4))
    (tmp_path / "spec.toml").write_text(text)
    assert widthwise.load_spec(tmp_path / "spec.toml").sweep.axes == {"model.activation": ("erf", "relu")}


def test_gradients_vanish_through_an_lstm_as_in_the_limit(tmp_path: Path) -> None:
    """Within a factor of 2 at every step, where 8 trials of width 256 have standard errors of a tenth."""
    sweep = ["sweep.width=[64, 256]", "sweep.trials=8", 'sweep."model.weight_variance"=[1.0]']
    overrides = [*sweep, "model.steps=6", "limit.samples=512", "limit.replicates=4"]
    spec = widthwise.load_spec(ROOT / "examples" / "recurrent_gradients.toml", overrides)
    results = widthwise.open(widthwise.run(spec, tmp_path / "lstm.run", address="inline"))
    finite = results["trials"]["gradient"].mean("trial").sel(width=256)
    limit = results["limit"]["gradient"].mean("replicate")
    assert (limit.diff("step") > 0).all()
    assert (abs(np.log(finite / limit)) < np.log(2)).all()


def test_the_coordinate_check_at_small_size(tmp_path: Path) -> None:
    """Under maximal update every slope is as predicted; in the standard parametrization features of layer 2 explode."""
    sweep = ["sweep.width=[64, 128, 256]", "training.steps=2", "data.count=8"]
    spec = widthwise.load_spec(ROOT / "examples" / "coordinate_check.toml", sweep)
    run = widthwise.run(spec, tmp_path / "check.run", address="inline")
    results = widthwise.open(run)
    assert set(results.children) == {"trials", "exact", "arithmetic", "curves", "verdicts"}
    assert not (results["verdicts"]["consistent"].sel(metric="rms") == 0).any()
    slope = results["curves"]["slope"].sel(metric="rms", readout="change_2_first")
    assert slope.to_series().round().to_dict() == {"mup": 0, "sp": 1}


def test_the_dichotomy_at_small_size(tmp_path: Path) -> None:
    """One point of each regime, and of both ways to explode."""
    values = '["-1/2", "0", "1/2"]'
    sweep = ["sweep.width=[64, 512]", f'sweep."options.features"={values}', f'sweep."options.output"={values}']
    spec = widthwise.load_spec(ROOT / "examples" / "dichotomy.toml", sweep)
    run = widthwise.run(spec, tmp_path / "dichotomy.run", address="inline")
    found = dichotomy_map(widthwise.open(run)["curves"].to_dataset())
    assert found.agreeing == 9
    assert len(np.unique(found.predicted)) == 4


@pytest.mark.parametrize(("name", "moves"), [("universality", False), ("universality_vectors", True)])
def test_kernels_move_with_the_law_of_vectors_only(tmp_path: Path, name: str, moves: bool) -> None:
    """Limits of random signs: of matrices the shift is 0, of vectors that of the figure, 0.26 and 0.30."""
    axis = "model.vector_law" if moves else "model.law"
    sweep = ["sweep.width=[16, 64]", "sweep.trials=4", f'sweep."{axis}"=["rademacher"]']
    spec = widthwise.load_spec(ROOT / "examples" / f"{name}.toml", sweep)
    results = widthwise.open(widthwise.run(spec, tmp_path / "laws.run", address="inline"))
    for readout, size in (("nngp_shift", 0.26), ("ntk_shift", 0.30)):
        limit = np.linalg.norm(results["limit"][readout].isel({axis: 0}).mean("replicate"))
        assert limit == pytest.approx(size if moves else 0.0, abs=0.03)


@pytest.mark.slow
def test_the_whole_digits_example(tmp_path: Path) -> None:
    """Widths 64 to 1,048,576: the expected slope inside the interval, both limits confirmed, nothing to do again."""
    path = widthwise.run(DIGITS, tmp_path / "ntk_digits.run")
    verdicts = widthwise.open(path)["verdicts"]
    assert (verdicts["consistent"].sel(metric="rms") == 1).all()
    assert (verdicts["equivalent"] == 1).all()
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    widthwise.run(DIGITS, path)
    assert before == {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
